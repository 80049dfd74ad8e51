// The page at work: which photo, which pose, which step, and what every control does with them.

import { type Backend, type Renderer, Sentence } from "./backend.ts";
import { byId, measures, save, words } from "./dom.ts";
import { Editor } from "./editor.ts";
import { History } from "./history.ts";
import { Messages } from "./messages.ts";
import { fileName, stem } from "./names.ts";
import { Newest, type Still } from "./newest.ts";
import { Player, thereAndBack } from "./player.ts";
import { bounds, equal, mirror, placeHidden, rescale, standingIn, swapSides, withVisible } from "./pose.ts";
import { Stage } from "./stage.ts";
import { Verdicts } from "./verdicts.ts";
import { Whole } from "./whole.ts";
import { Zoom } from "./zoom.ts";
import type { Detector, Library, Model, Motion, Photo, Pose, Size, Skeleton } from "./types.ts";

export type Step = "joints" | "pose"; // placing the joints on the photo, then posing the person

const NONE: readonly Photo[] = [];
const LOOKING = "Looking for the person …";
const FOUND = "The joints were found. See whether they are right.";
const PLACING_STEPS = 300; // arrow keys across the height of a photo whose joints are placed
const OWN = 12; // people of whom the user's photos are held; with one more the first one goes

/** A photo with all that was done to it. */
export interface Work {
  photo: Photo;
  readonly image: HTMLImageElement;
  placed: Library | null; // the library, where the photo's person stands
  readonly source: History<Pose>;
  target: History<Pose>;
  step: Step;
  readonly joins?: Joins; // it is shown only to have its joints placed
}

/** Whose further photo one is. */
interface Joins {
  readonly to: Work;
  readonly former: Photo | null; // what it is to replace among the others, null: it is not among them yet
  readonly waiting: readonly Photo[]; // that are to be added after it
}

export interface Facts {
  readonly skeleton: Skeleton;
  readonly models: readonly Model[];
  readonly detector: Detector | null;
  readonly photos: number; // of one person that are taken at most
  readonly library: Library & { readonly size: Size };
}

function named(photo: Photo, file: File): Photo {
  const name = stem(file.name);
  return name === null ? photo : { ...photo, name };
}

function remember(pose: Pose): History<Pose> {
  return new History(pose, equal);
}

export class App {
  readonly messages = new Messages();
  readonly editor: Editor;
  selected: number | null = null;
  chosen: readonly string[];
  playing: string | null = null;
  motion: string | null = null; // what plays or played last
  changed: () => void = () => undefined; // whoever shows the state of the controls
  /** The user's photos, in the order in which they came. */
  own: readonly Work[] = [];
  /** What is shown. */
  work: Work | null = null;
  private taken: readonly [Pose, string] | null = null; // from the library, with its name
  private picked = false; // whether the user has chosen models
  private readonly nothing = remember([]);
  private readonly newest = new Newest();
  private readonly zoom: Zoom;
  private readonly stage: Stage;
  private readonly renderer: Renderer;
  private readonly verdicts: Verdicts;
  private readonly whole: Whole;
  private readonly player = new Player((pose) => this.preview(pose, performance.now()));

  constructor(
    readonly backend: Backend,
    readonly facts: Facts,
  ) {
    this.chosen = [facts.models[0]!.name];
    this.stage = new Stage(facts.models);
    this.editor = new Editor(byId("editor", SVGSVGElement), facts.skeleton, {
      moving: (pose, time) => this.moving(pose, time),
      moved: (pose, label, time) => this.put(pose, label, time),
      cancelled: () => this.refresh(performance.now()),
      toggled: (joint) => this.toggle(joint),
      selected: (joint) => {
        this.selected = joint;
        this.changed();
      },
    });
    this.zoom = new Zoom(this.editor.svg, byId("stages", HTMLElement), () => this.editor.cancel());
    this.verdicts = new Verdicts(backend, (model, sentences) => this.stage.say(model, sentences));
    this.whole = new Whole(backend, (model) => this.fileName([this.poseName, model, "photo"], "png"));
    this.renderer = backend.renderer({
      picture: (picture) => {
        this.stage.show(picture);
        this.messages.over(picture.model);
      },
      error: (sentence, model) => this.messages.show(sentence, model),
      connected: (is) => document.body.classList.toggle("lost", !is),
    });
  }

  get step(): Step {
    return this.work?.step ?? "pose";
  }

  get history(): History<Pose> {
    const { work } = this;
    if (!work) return this.nothing;
    return work.step === "joints" ? work.source : work.target;
  }

  /** More photos of the person. */
  get others(): readonly Photo[] {
    return this.work?.photo.others ?? NONE;
  }

  /** Whether more photos of the person can be added, up to a number: somebody has to find the person in them. */
  get takesOthers(): boolean {
    return this.isOwn && !this.work?.joins && this.facts.photos > 1 && this.facts.detector !== null;
  }

  /** The photo that is posed: what is shown, or what that is a further photo of. */
  get person(): Work | null {
    return this.work?.joins?.to ?? this.work;
  }

  /** Whether the user brought it. */
  private get isOwn(): boolean {
    const { person } = this;
    return person !== null && this.own.includes(person);
  }

  // Photos -----------------------------------------------------------------------------------------------------------

  async takeExample(number: number): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => this.use(await still(this.backend.takeExample(number)), "pose", false, still));
  }

  /** A photo of a person who is to be posed, and more photos of the same person. */
  async openPhotos(first: File, others: readonly File[]): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const doing = this.facts.detector === null ? "Reading the photo …" : LOOKING;
      await this.messages.busy(doing, async () => {
        await this.use(named(await still(this.backend.addPhoto(first)), first), "joints", true, still);
        if (others.length > 0) await this.add(others, still);
      });
    });
  }

  /** More photos of the person who is there. */
  async addOthers(files: readonly File[]): Promise<void> {
    const still = this.newest.watch();
    await this.messages.guard(() => this.messages.busy(LOOKING, () => this.add(files, still)));
  }

  private async add(files: readonly File[], still: Still): Promise<void> {
    const { photos } = this.facts;
    if (!this.takesOthers) throw new Sentence("Only one photo of a person is taken here: the first is shown.");
    const faults: string[] = [];
    const unfound: Photo[] = []; // the user is asked where the person is
    for (const [index, file] of files.entries()) {
      if (this.others.length + unfound.length + 1 >= photos) {
        const left = files.length - index;
        faults.push(`${photos} photos of one person are the most, so ${left} ${left === 1 ? "was" : "were"} left out.`);
        break;
      }
      try {
        const added = named(await still(this.backend.addOther(this.require().photo, file)), file);
        if (!added.pose) {
          unfound.push(added);
          continue;
        }
        this.setOthers([...this.others, added]);
        this.messages.tell(`Photo ${this.others.length + 1} of this person is added.`);
        if (added.doubt) faults.push(`${file.name}: ${added.doubt}`);
      } catch (error) {
        if (!(error instanceof Sentence)) throw error;
        faults.push(`${file.name}: ${error.message}`);
      }
    }
    if (unfound.length > 0) await this.placeNext(this.require(), unfound, still);
    if (faults.length > 0) throw new Sentence(faults.join(" "));
  }

  /** Show the first of these photos of a person to have its joints placed, or with none of them that person again. */
  private async placeNext(to: Work, [photo, ...waiting]: readonly Photo[], still: Still): Promise<void> {
    if (!photo) return this.show(to);
    const former = to.photo.others.includes(photo) ? photo : null;
    this.show({ ...(await this.prepare(photo, "joints", still)), joins: { to, former, waiting } });
    this.messages.tell("Place the joints on the person.");
  }

  /** Mend the joints of another photo of the person. */
  async mendOther(photo: Photo): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(() => this.placeNext(this.require(), [photo], still));
  }

  /** Leave a further photo of the person as it was: not added, or with the joints that it had. */
  async leaveOther(): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const { joins } = this.require();
      if (joins) await this.placeNext(joins.to, joins.waiting, still);
    });
  }

  removeOther(index: number): void {
    this.setOthers(this.others.filter((_, other) => other !== index));
    this.messages.tell(`Photo ${index + 2} of this person is removed.`);
  }

  /** Another photo of the person comes first, so that it is posed and its joints can be mended; the pose stays. */
  async putFirst(other: Photo): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const work = this.require();
      const first = work.photo;
      if (!first.boxes) throw new Sentence("Place the joints of this photo first, or drop the photos in another order.");
      const boxes = await still(this.backend.setJoints(first, work.source.now));
      const posed = work.target.canUndo && bounds(work.target.now) !== null;
      const target = posed ? this.settled(await still(this.backend.place(other, work.target.now))) : null;
      const made = await this.prepare(other, work.step, still);
      if (!this.others.includes(other)) return; // removed meanwhile
      const former = { ...first, pose: work.source.now, boxes, others: NONE };
      made.photo = { ...other, others: this.others.map((photo) => (photo === other ? former : photo)) };
      if (target) made.target.put(target);
      this.own = this.own.map((one) => (one === work ? made : one));
      this.show(made);
      this.messages.tell("That photo comes first now.");
    });
  }

  private setOthers(others: readonly Photo[]): void {
    const work = this.require();
    work.photo = { ...work.photo, others };
    if (this.player.playing) this.changed(); // its next frame is of all photos
    else this.refresh(performance.now());
  }

  private async use(photo: Photo, step: Step, own: boolean, still: Still): Promise<void> {
    const work = await this.prepare(photo, step, still);
    if (own) this.own = [...this.own, work].slice(-OWN);
    this.show(work);
    if (photo.pose === null && this.facts.detector !== null) {
      const [why, remedy] = photo.unsearched
        ? [photo.unsearched, "place the joints by hand, or load them from an OpenPose JSON"]
        : ["Nobody was found in this photo", "drag the box to the person, then find the joints in it or place them by hand"];
      this.messages.show(`${why}: ${remedy}.`);
    }
    const next = photo.pose ? FOUND : "Place the joints on the person.";
    this.messages.tell(step === "pose" ? "A person is ready. Drag a joint." : next);
  }

  /** All that has to be waited for before a photo is shown: until then nothing changes. */
  private async prepare(photo: Photo, step: Step, still: Still): Promise<Work> {
    const image = new Image();
    image.src = photo.picture;
    const fault = new Sentence("The photo cannot be shown: drop it again.");
    await still(image.decode().catch(() => Promise.reject(fault)));
    const known = photo.pose && placeHidden(photo.pose, this.facts.skeleton);
    const placed = known && (await still(this.backend.libraryFor(photo)));
    const pose = known ?? this.guess(photo);
    return { photo, image, placed, source: remember(pose), target: remember(pose), step };
  }

  /** Back to one of the user's photos, with all that was done to it. */
  goTo(work: Work): void {
    if (work === this.work) return;
    this.newest.begin();
    this.messages.clear();
    this.show(work);
    this.messages.tell("Your photo is back.");
  }

  private show(work: Work): void {
    this.stop();
    this.work = work;
    if (!this.picked) this.chosen = [this.suited(!this.isOwn).name];
    this.stage.clear();
    this.whole.clear();
    document.body.classList.toggle("joints-found", work.photo.pose !== null);
    document.body.classList.toggle("joining", work.joins !== undefined);
    this.go(work.step);
    byId("bar", HTMLElement).scrollIntoView({ block: "nearest" }); // on a telephone the lists are far below
  }

  /** The model that was trained on people of that kind, or else the first. */
  private suited(synthetic: boolean): Model {
    const { models } = this.facts;
    return models.find((model) => model.synthetic === synthetic) ?? models[0]!;
  }

  private guess(photo: Photo): Pose {
    const { poses, size } = this.facts.library;
    return standingIn(photo.size, poses[0]!.pose, size, this.facts.skeleton);
  }

  // Steps ------------------------------------------------------------------------------------------------------------

  /** Take the joints as they are placed, and pose the person. */
  async confirmJoints(): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const work = this.require();
      const joints = work.source.now;
      const boxes = await still(this.backend.setJoints(work.photo, joints));
      if (work.joins) {
        const { to, former, waiting } = work.joins;
        const [photo, { others }] = [{ ...work.photo, pose: joints, boxes }, to.photo];
        to.photo = { ...to.photo, others: former ? others.map((one) => (one === former ? photo : one)) : [...others, photo] };
        this.messages.tell("The photo is used.");
        return this.placeNext(to, waiting, still);
      }
      work.placed = await still(this.backend.libraryFor(work.photo));
      work.photo = { ...work.photo, boxes };
      const untouched = !work.target.canUndo && !work.target.canRedo;
      if (untouched) work.target = remember(joints);
      this.go("pose");
    });
  }

  go(step: Step): void {
    const { work } = this;
    if (!work || (step === "pose" && !work.photo.boxes)) return;
    this.stop();
    work.step = step;
    document.body.dataset["step"] = step;
    this.layOut();
    this.refresh(performance.now());
  }

  private layOut(): void {
    if (!this.work) return;
    const { photo, image } = this.work;
    const { view, holder } = this.stage.lay(photo, image, this.step === "joints" ? [] : this.chosen);
    holder.append(this.editor.svg, this.zoom.button);
    this.zoom.end();
    this.whole.lay(photo.size, this.facts.models.filter(({ name }) => this.chosen.includes(name)));
    const steps = this.step === "joints" ? PLACING_STEPS : this.stage.height(this.chosen[0]!);
    this.editor.keyStep = Math.max(view.height / steps, 0.25);
    this.editor.frame(view, this.step === "joints");
    const sizes = this.chosen.map((name) => measures(this.facts.models.find((model) => model.name === name)!.size));
    byId("picture-size", HTMLElement).textContent = [...new Set(sizes)].join(", ");
  }

  // Poses ------------------------------------------------------------------------------------------------------------

  /** A pose while something moves: shown and rendered, not remembered. */
  private preview(pose: Pose, time: number): void {
    this.editor.show(pose);
    this.render(pose, time);
  }

  private moving(pose: Pose, time: number): void {
    this.halt();
    if (this.step === "pose") this.render(pose, time);
  }

  /** A new pose that can be undone. */
  put(pose: Pose, label = "", time = performance.now()): void {
    this.halt();
    this.history.put(pose, label, time);
    this.refresh(time);
    if (this.selected !== null) this.tellJoint(this.selected);
  }

  private refresh(time: number): void {
    this.editor.show(this.history.now);
    if (this.step === "pose") this.render(this.history.now, time);
    const { work } = this;
    if (work?.step === "pose" && work.photo.boxes) {
      this.verdicts.soon(work.photo, this.chosen, work.target.now);
      this.whole.soon(work.photo, this.chosen, work.target.now);
    }
    this.changed();
  }

  private render(pose: Pose, time: number): void {
    this.verdicts.forget(this.chosen);
    this.whole.forget();
    const photo = this.work?.photo;
    if (photo?.boxes) this.renderer.want(photo, this.chosen, pose, time);
  }

  undo(): void {
    this.halt();
    const done = this.history.undo();
    this.messages.tell(done ? "Undone." : "There is nothing to undo.");
    this.refresh(performance.now());
  }

  redo(): void {
    this.halt();
    const done = this.history.redo();
    this.messages.tell(done ? "Done again." : "There is nothing to do again.");
    this.refresh(performance.now());
  }

  /** Back to the photo's own pose; while the joints are placed, back to the start of that. */
  reset(): void {
    if (!this.work) return;
    const { photo, step, source } = this.work;
    const known = photo.pose && placeHidden(photo.pose, this.facts.skeleton);
    this.put(step === "pose" ? source.now : (known ?? this.guess(photo)));
    this.messages.tell("The pose is reset.");
  }

  mirror(): void {
    if (!this.work) return; // no photo yet
    this.put(mirror(this.history.now, this.facts.skeleton));
    this.messages.tell("The pose is mirrored.");
  }

  swapSides(): void {
    if (!this.work) return; // no photo yet
    this.put(swapSides(this.history.now, this.facts.skeleton));
    this.messages.tell("Left and right are swapped.");
  }

  toggle(joint: number): void {
    const pose = this.history.now;
    this.put(withVisible(pose, joint, !pose[joint]!.visible));
    this.tellJoint(joint);
  }

  private tellJoint(joint: number): void {
    const { x, y, visible } = this.history.now[joint]!;
    const name = words(this.facts.skeleton.joints[joint]!);
    this.messages.tell(visible ? `${name} at ${Math.round(x)}, ${Math.round(y)}` : `${name} hidden`);
  }

  choosePose(name: string): void {
    const entry = this.work?.placed?.poses.find((pose) => pose.name === name);
    if (!entry) return;
    this.put(placeHidden(entry.pose, this.facts.skeleton));
    this.taken = [this.history.now, name];
    this.messages.tell(`Pose: ${words(name)}.`);
  }

  /** The pose of an OpenPose file, or of the person in another photo. */
  async openPose(file: File): Promise<void> {
    const still = this.newest.watch();
    await this.messages.guard(async () => {
      const { photo } = this.require();
      const isJson = file.type === "application/json" || file.name.toLowerCase().endsWith(".json");
      if (isJson) {
        const pose = await still(this.backend.readPerson(file));
        const own = () => rescale(pose, photo.original, photo.size); // in the file's pixels, not ours
        this.put(this.settled(this.step === "joints" ? own() : await still(this.backend.place(photo, pose))));
      } else {
        await this.messages.busy(LOOKING, () => this.takePoseOf(file, still));
      }
      this.messages.tell("The pose is loaded.");
    });
  }

  /** The joints of whoever is in the box: one of several people, or a person too small to be found in the photo. */
  async findInBox(): Promise<void> {
    const still = this.newest.watch();
    await this.messages.guard(() =>
      this.messages.busy(LOOKING, async () => {
        const pose = await still(this.backend.findIn(this.require().photo, this.editor.personBox));
        this.put(this.settled(pose));
        this.messages.tell(FOUND);
      }),
    );
  }

  private async takePoseOf(file: File, still: Still): Promise<void> {
    if (this.facts.detector === null) {
      throw new Sentence("This page has no model that finds joints: give the OpenPose JSON of that photo instead.");
    }
    const { pose, unsearched } = await still(this.backend.poseOf(file));
    if (!pose) throw new Sentence(`${unsearched ?? "Nobody was found in that photo"}: give another, or its OpenPose JSON.`);
    const placed = () => still(this.backend.place(this.require().photo, pose));
    this.put(this.settled(this.step === "joints" ? pose : await placed()));
  }

  private settled(pose: Pose): Pose {
    if (!bounds(pose)) throw new Sentence("No joint of that pose is visible: give another file.");
    return placeHidden(pose, this.facts.skeleton);
  }

  // Models, sequences, files -----------------------------------------------------------------------------------------

  chooseModels(names: readonly string[]): void {
    if (names.length === 0) return;
    [this.chosen, this.picked] = [names, true];
    this.layOut();
    this.refresh(performance.now());
  }

  /** Play a bundled sequence, or with "photo" the way from the photo's pose to the present one and back. */
  play(name: string): void {
    const again = this.playing === name;
    this.halt();
    if (again || !this.work || this.step !== "pose") return;
    const { frames, seconds } = this.sequence(name);
    this.playing = this.motion = name;
    this.player.play(frames, seconds);
    this.changed();
  }

  /** The poses of a motion of `play`. */
  sequence(name: string): Motion {
    const { placed, source, target } = this.require();
    const found = placed?.sequences.find((sequence) => sequence.name === name);
    if (found) return { ...found, frames: found.frames.map((pose) => placeHidden(pose, this.facts.skeleton)) };
    return thereAndBack(source.now, target.now);
  }

  /** Stop playing and go back to the pose from before. */
  stop(): void {
    if (!this.player.playing) return;
    this.halt();
    this.refresh(performance.now());
  }

  private halt(): void {
    if (!this.player.playing) return;
    this.player.stop();
    this.playing = null;
    this.changed();
  }

  async downloadPicture(): Promise<void> {
    await this.messages.guard(async () => {
      const { photo, target } = this.require();
      const pose = target.now;
      for (const model of this.chosen) {
        save(await this.backend.download(photo, model, pose), this.fileName([this.poseName, model], "png"));
      }
    });
  }

  async downloadPose(): Promise<void> {
    await this.messages.guard(async () => {
      save(await this.backend.openPose(this.require().photo, this.history.now), this.fileName([this.poseName], "json"));
    });
  }

  /** A motion of `play` as an animated GIF. */
  film(name: string, model: string): Promise<Blob> {
    return this.backend.film(this.require().photo, model, this.sequence(name));
  }

  /** The name of a file of the photo's person; parts: what it shows, by which model. */
  fileName(parts: readonly string[], ending: string): string {
    return fileName([this.work?.photo.name ?? "person", ...parts], ending);
  }

  /** The name of the pose, if it is as the library has it. */
  get poseName(): string {
    return this.taken?.[0] === this.history.now ? this.taken[1] : "pose";
  }

  private require(): Work {
    if (!this.work) throw new Sentence("Choose a photo first.");
    return this.work;
  }
}
