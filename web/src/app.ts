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
import type { Detector, Library, Model, Motion, Photo, Pose, Size, Skeleton } from "./types.ts";

export type Step = "joints" | "pose"; // placing the joints on the photo, then posing the person

const NONE: readonly Photo[] = [];
const LOOKING = "Looking for the person …";
const FOUND = "The joints were found. See whether they are right.";
const PLACING_STEPS = 300; // arrow keys across the height of a photo whose joints are placed

/** A photo with all that was done to it. */
interface Work {
  readonly photo: Photo;
  readonly own: boolean; // whether the user brought it
  readonly image: HTMLImageElement;
  readonly placed: Library | null; // the library, where the photo's person stands
  readonly source: History<Pose>;
  readonly target: History<Pose>;
  readonly step: Step;
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
  step: Step = "pose";
  selected: number | null = null;
  chosen: readonly string[];
  playing: string | null = null;
  motion: string | null = null; // what plays or played last
  changed: () => void = () => undefined; // whoever shows the state of the controls
  private photo: Photo | null = null;
  private own = false;
  private left: Work | null = null; // the user's photo that another one has replaced
  private image: HTMLImageElement | null = null;
  private placed: Library | null = null;
  private taken: readonly [Pose, string] | null = null; // from the library, with its name
  private picked = false; // whether the user has chosen models
  private source = remember([]);
  private target = remember([]);
  private readonly newest = new Newest();
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

  get history(): History<Pose> {
    return this.step === "joints" ? this.source : this.target;
  }

  /** More photos of the person. */
  get others(): readonly Photo[] {
    return this.photo?.others ?? NONE;
  }

  /** Whether more photos of the person can be added, up to a number: somebody has to find the person in them. */
  get takesOthers(): boolean {
    return this.own && this.facts.photos > 1 && this.facts.detector !== null;
  }

  /** Whether the user's photo was left for another one and can be had back. */
  get canGoBack(): boolean {
    return this.left !== null;
  }

  /** Whether something would be lost with the page. */
  get holdsPhoto(): boolean {
    return this.own || this.left !== null;
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
    for (const [index, file] of files.entries()) {
      if (this.others.length + 1 >= photos) {
        const left = files.length - index;
        faults.push(`${photos} photos of one person are the most, so ${left} ${left === 1 ? "was" : "were"} left out.`);
        break;
      }
      try {
        const added = await still(this.backend.addOther(this.require(), file));
        this.setOthers([...this.others, named(added, file)]);
        this.messages.tell(`Photo ${this.others.length + 1} of this person is added.`);
        if (added.doubt) faults.push(`${file.name}: ${added.doubt}`);
      } catch (error) {
        if (!(error instanceof Sentence)) throw error;
        faults.push(`${file.name}: ${error.message}`);
      }
    }
    if (faults.length > 0) throw new Sentence(faults.join(" "));
  }

  removeOther(index: number): void {
    this.setOthers(this.others.filter((_, other) => other !== index));
    this.messages.tell(`Photo ${index + 2} of this person is removed.`);
  }

  /** Another photo of the person comes first, so that it is posed and its joints can be mended; the pose stays. */
  async putFirst(other: Photo): Promise<void> {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const first = this.require();
      if (!first.boxes) throw new Sentence("Place the joints of this photo first, or drop the photos in another order.");
      const boxes = await still(this.backend.setJoints(first, this.source.now));
      const posed = this.target.canUndo && bounds(this.target.now) !== null;
      const target = posed ? this.settled(await still(this.backend.place(other, this.target.now))) : null;
      const work = await this.prepare(other, this.step, true, still);
      if (!this.others.includes(other)) return; // removed meanwhile
      const former = { ...first, pose: this.source.now, boxes, others: NONE };
      const others = this.others.map((photo) => (photo === other ? former : photo));
      if (target) work.target.put(target);
      this.show({ ...work, photo: { ...other, others } });
      this.messages.tell("That photo comes first now.");
    });
  }

  private setOthers(others: readonly Photo[]): void {
    this.photo = { ...this.require(), others };
    if (this.player.playing) this.changed(); // its next frame is of all photos
    else this.refresh(performance.now());
  }

  private async use(photo: Photo, step: Step, own: boolean, still: Still): Promise<void> {
    const work = await this.prepare(photo, step, own, still);
    if (this.own) this.left = this.work();
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
  private async prepare(photo: Photo, step: Step, own: boolean, still: Still): Promise<Work> {
    const image = new Image();
    image.src = photo.picture;
    const fault = new Sentence("The photo cannot be shown: drop it again.");
    await still(image.decode().catch(() => Promise.reject(fault)));
    const known = photo.pose && placeHidden(photo.pose, this.facts.skeleton);
    const placed = known && (await still(this.backend.libraryFor(photo)));
    const pose = known ?? this.guess(photo);
    return { photo, own, image, placed, source: remember(pose), target: remember(pose), step };
  }

  /** Back to the user's photo that was left, with all that was done to it. */
  goBack(): void {
    const { left } = this;
    if (!left) return;
    this.newest.begin();
    this.messages.clear();
    this.left = this.own ? this.work() : null;
    this.show(left);
    this.messages.tell("Your photo is back.");
  }

  private work(): Work {
    const { own, placed, source, target, step } = this;
    return { photo: this.require(), image: this.image!, own, placed, source, target, step };
  }

  private show(work: Work): void {
    this.stop();
    const { photo, image, own, placed, source, target, step } = work;
    [this.photo, this.image, this.own, this.placed] = [photo, image, own, placed];
    [this.source, this.target] = [source, target];
    if (!this.picked) this.chosen = [this.suited(!own).name];
    this.stage.clear();
    this.whole.clear();
    document.body.classList.toggle("joints-found", photo.pose !== null);
    this.go(step);
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
      const [photo, joints] = [this.require(), this.source.now];
      const boxes = await still(this.backend.setJoints(photo, joints));
      this.placed = await still(this.backend.libraryFor(photo));
      this.photo = { ...photo, boxes, others: this.others };
      const untouched = !this.target.canUndo && !this.target.canRedo;
      if (untouched) this.target = remember(joints);
      this.go("pose");
    });
  }

  go(step: Step): void {
    if (!this.photo || (step === "pose" && !this.photo.boxes)) return;
    this.stop();
    this.step = step;
    document.body.dataset["step"] = step;
    this.layOut();
    this.refresh(performance.now());
  }

  private layOut(): void {
    const { photo, image } = this;
    if (!photo || !image) return;
    const { view, holder } = this.stage.lay(photo, image, this.step === "joints" ? [] : this.chosen);
    holder.append(this.editor.svg);
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
    if (this.step === "pose" && this.photo?.boxes) {
      this.verdicts.soon(this.photo, this.chosen, this.history.now);
      this.whole.soon(this.photo, this.chosen, this.history.now);
    }
    this.changed();
  }

  private render(pose: Pose, time: number): void {
    this.verdicts.forget(this.chosen);
    this.whole.forget();
    if (this.photo?.boxes) this.renderer.want(this.photo, this.chosen, pose, time);
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
    if (!this.photo) return;
    const known = this.photo.pose && placeHidden(this.photo.pose, this.facts.skeleton);
    this.put(this.step === "pose" ? this.source.now : (known ?? this.guess(this.photo)));
    this.messages.tell("The pose is reset.");
  }

  mirror(): void {
    this.put(mirror(this.history.now, this.facts.skeleton));
    this.messages.tell("The pose is mirrored.");
  }

  swapSides(): void {
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
    const entry = this.placed?.poses.find((pose) => pose.name === name);
    if (!entry) return;
    this.put(placeHidden(entry.pose, this.facts.skeleton));
    this.taken = [this.history.now, name];
    this.messages.tell(`Pose: ${words(name)}.`);
  }

  /** The pose of an OpenPose file, or of the person in another photo. */
  async openPose(file: File): Promise<void> {
    const still = this.newest.watch();
    await this.messages.guard(async () => {
      const photo = this.require();
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
        const pose = await still(this.backend.findIn(this.require(), this.editor.personBox));
        this.put(this.settled(pose));
        this.messages.tell(FOUND);
      }),
    );
  }

  private async takePoseOf(file: File, still: Still): Promise<void> {
    if (this.facts.detector === null) {
      throw new Sentence("This page has no model that finds joints: give the OpenPose JSON of that photo instead.");
    }
    const other = await still(this.backend.addPhoto(file));
    if (!other.pose) {
      throw new Sentence(`${other.unsearched ?? "Nobody was found in that photo"}: give another, or its OpenPose JSON.`);
    }
    const placed = () => still(this.backend.place(this.require(), other.pose!));
    this.put(this.settled(this.step === "joints" ? other.pose : await placed()));
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
    if (again || !this.photo || this.step !== "pose") return;
    const { frames, seconds } = this.sequence(name);
    this.playing = this.motion = name;
    this.player.play(frames, seconds);
    this.changed();
  }

  private sequence(name: string): Motion {
    const found = this.placed?.sequences.find((sequence) => sequence.name === name);
    if (found) return { ...found, frames: found.frames.map((pose) => placeHidden(pose, this.facts.skeleton)) };
    return thereAndBack(this.source.now, this.target.now);
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
      const [photo, pose] = [this.require(), this.target.now];
      for (const model of this.chosen) {
        save(await this.backend.download(photo, model, pose), this.fileName([this.poseName, model], "png"));
      }
    });
  }

  async downloadPose(): Promise<void> {
    await this.messages.guard(async () => {
      save(await this.backend.openPose(this.require(), this.history.now), this.fileName([this.poseName], "json"));
    });
  }

  /** A motion of `play` as an animated GIF. */
  film(name: string, model: string): Promise<Blob> {
    return this.backend.film(this.require(), model, this.sequence(name));
  }

  /** The name of a file of the photo's person; parts: what it shows, by which model. */
  fileName(parts: readonly string[], ending: string): string {
    return fileName([this.photo?.name ?? "person", ...parts], ending);
  }

  /** The name of the pose, if it is as the library has it. */
  get poseName(): string {
    return this.taken?.[0] === this.history.now ? this.taken[1] : "pose";
  }

  private require(): Photo {
    if (!this.photo) throw new Sentence("Choose a photo first.");
    return this.photo;
  }
}
