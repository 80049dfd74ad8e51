// The page's entry: fetches the facts, builds the lists, and ties every control to the app.

import { App } from "./app.ts";
import { Sentence } from "./backend.ts";
import { Browser } from "./browser.ts";
import { button, byId, make, words } from "./dom.ts";
import { Film, title } from "./film.ts";
import { drawing, exampleButton, poseButton } from "./library.ts";
import { Others } from "./others.ts";
import { Server } from "./server.ts";
import type { Detector } from "./types.ts";
import { Yours } from "./yours.ts";

async function start(): Promise<void> {
  const backend = document.documentElement.dataset["backend"] === "browser" ? await Browser.open() : new Server();
  const [skeleton, told, examples] = await Promise.all([backend.skeleton(), backend.models(), backend.examples()]);
  const library = await backend.library();
  const app = new App(backend, { skeleton, library, ...told });
  byId("version", HTMLElement).textContent = told.version;
  document.body.classList.toggle("has-detector", told.detector !== null);
  document.body.classList.toggle("takes-several", told.detector !== null && told.photos > 1);
  showDetector(told.detector);
  byId("examples", HTMLElement).append(
    ...examples.map((address, number) => exampleButton(address, number, () => void app.takeExample(number))),
  );
  byId("poses", HTMLElement).append(
    ...library.poses.map(({ name, pose }) =>
      poseButton(name, drawing(pose, skeleton, library.size), () => app.choosePose(name)),
    ),
  );
  buildSequences(app);
  const models = buildModels(app);
  const joints = buildJoints(app);
  const film = new Film(app);
  const others = new Others(app);
  const yours = new Yours(app);
  tieButtons(app);
  tieViews();
  tieFiles(app, others.section);
  tieKeys(app);
  tieLeaving(app);
  app.changed = () => {
    showState(app);
    joints();
    models();
    film.show();
    others.show();
    yours.show();
  };
  await app.takeExample(0);
}

function buildSequences(app: App): void {
  const names = [...app.facts.library.sequences.map(({ name }) => name), "photo"];
  byId("sequences", HTMLElement).append(
    ...names.map((name) => {
      const element = make("button", { type: "button", class: "chip", "data-sequence": name, "aria-pressed": "false" }, title(name));
      element.addEventListener("click", () => app.play(name));
      return element;
    }),
  );
}

/** The list of models; returns what brings its boxes up to date. */
function buildModels(app: App): () => void {
  const list = byId("models", HTMLElement);
  const boxes = app.facts.models.map((model) => {
    const box = make("input", { type: "checkbox", value: model.name });
    box.addEventListener("change", () => {
      const names = boxes.filter((other) => other.checked).map((other) => other.value);
      if (names.length === 0) box.checked = true;
      else app.chooseModels(names);
    });
    const about = `${model.model}, ${model.size.height} × ${model.size.width}, ${(model.parameters / 1e6).toFixed(1)} M`;
    const text = make("span", {}, make("b", {}, model.name), make("small", {}, about), make("small", {}, model.licence));
    list.append(make("label", {}, box, text));
    return box;
  });
  boxes[0]!.disabled = boxes.length === 1;
  return () => boxes.forEach((box) => (box.checked = app.chosen.includes(box.value)));
}

/** Say below the models what finds the joints, where its licence is known. */
function showDetector(detector: Detector | null): void {
  if (!detector?.licence) return;
  const about = make("small", {}, "finds the joints in your photos");
  byId("models", HTMLElement).after(make("p", { id: "detector" }, make("b", {}, detector.name), about, make("small", {}, detector.licence)));
}

/** The list of all joints with a box for each; returns what brings the boxes up to date. */
function buildJoints(app: App): () => void {
  const boxes = app.facts.skeleton.joints.map((name, joint) => {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => app.toggle(joint));
    byId("joint-list", HTMLElement).append(make("label", {}, box, words(name)));
    return box;
  });
  return () => boxes.forEach((box, joint) => (box.checked = app.history.now[joint]?.visible ?? false));
}

function tieButtons(app: App): void {
  button("undo", () => app.undo());
  button("redo", () => app.redo());
  button("reset", () => app.reset());
  button("mirror", () => app.mirror());
  button("swap", () => app.swapSides());
  button("download", () => app.downloadPicture());
  button("download-pose", () => app.downloadPose());
  button("find", () => app.findInBox());
  button("confirm", () => app.confirmJoints());
  button("leave", () => app.leaveOther());
  button("place", () => app.go("joints"));
  button("hide", () => {
    if (app.selected !== null) app.toggle(app.selected);
  });
  const limbs = byId("limbs", HTMLInputElement);
  limbs.addEventListener("change", () => (app.editor.limbs = limbs.checked));
  const skeleton = byId("skeleton", HTMLInputElement);
  const show = () => document.body.classList.toggle("no-skeleton", !skeleton.checked);
  skeleton.addEventListener("change", show);
  show();
}

function tieViews(): void {
  const share = byId("share", HTMLInputElement);
  const stages = byId("stages", HTMLElement);
  const slide = () => stages.style.setProperty("--share", `${share.value}%`);
  share.addEventListener("input", slide);
  slide();
  const choices = document.querySelectorAll<HTMLInputElement>("input[name=view]");
  const choose = () => {
    const view = [...choices].find((choice) => choice.checked)!.value;
    stages.dataset["view"] = view;
    byId("share-row", HTMLElement).hidden = view === "result";
    byId("share-label", HTMLElement).textContent = view === "compare" ? "Photo on the left" : "Photo over the picture";
  };
  choices.forEach((choice) => choice.addEventListener("change", choose));
  choose();
}

function tieFiles(app: App, others: HTMLElement): void {
  const photo = byId("photo-file", HTMLInputElement);
  const other = byId("other-file", HTMLInputElement);
  const pose = byId("pose-file", HTMLInputElement);
  const joints = byId("joints-file", HTMLInputElement);
  const chosen = (input: HTMLInputElement, use: (files: readonly File[]) => Promise<void>) => {
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      input.value = ""; // so that the same file can be chosen again
      if (files.length > 0) void use(files);
    });
  };
  const isPose = (file: File) => file.type === "application/json" || file.name.toLowerCase().endsWith(".json");
  const several = document.body.classList.contains("takes-several");
  photo.multiple = several;
  const drop = async ([first, ...more]: readonly File[]) => {
    if (first && isPose(first)) await app.openPose(first);
    else if (first) await app.openPhotos(first, several ? more : []);
  };
  chosen(photo, drop);
  chosen(other, (files) => app.addOthers(files));
  chosen(pose, ([file]) => app.openPose(file!));
  chosen(joints, ([file]) => app.openPose(file!));
  let depth = 0;
  const over = (change: number) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  // Links and texts are left to the browser.
  const onFiles = (kind: "dragenter" | "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void) =>
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      act(event);
    });
  onFiles("dragenter", () => over(1));
  onFiles("dragleave", () => over(-1));
  onFiles("dragover", () => undefined);
  onFiles("drop", (event) => {
    over(-depth);
    const files = [...(event.dataTransfer?.files ?? [])];
    const added = event.target instanceof Node && others.contains(event.target);
    void (added ? app.addOthers(files) : drop(files));
  });
  document.addEventListener("paste", (event) => void drop([...(event.clipboardData?.files ?? [])]));
}

/** Ask before the page goes with a photo that the user brought: its joints and poses would be lost. */
function tieLeaving(app: App): void {
  window.addEventListener("beforeunload", (event) => {
    if (app.own.length > 0) event.preventDefault();
  });
}

function tieKeys(app: App): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") app.stop();
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) app.redo();
    else app.undo();
  });
}

/** Bring buttons and the line of the selected joint up to date. */
function showState(app: App): void {
  byId("undo", HTMLButtonElement).disabled = !app.history.canUndo;
  byId("redo", HTMLButtonElement).disabled = !app.history.canRedo;
  for (const element of document.querySelectorAll<HTMLElement>("[data-sequence]")) {
    const on = element.dataset["sequence"] === app.playing;
    element.setAttribute("aria-pressed", String(on));
  }
  const line = byId("selected", HTMLElement);
  const hide = byId("hide", HTMLButtonElement);
  const joint = app.selected === null ? undefined : app.history.now[app.selected];
  hide.hidden = !joint;
  if (!joint) {
    line.textContent = "No joint is chosen.";
    return;
  }
  const name = words(app.facts.skeleton.joints[app.selected!]!);
  line.textContent = joint.visible ? `${name}: ${Math.round(joint.x)}, ${Math.round(joint.y)}` : `${name}: hidden`;
  hide.textContent = joint.visible ? "Hide joint" : "Show joint";
}

start().catch((error: unknown) => {
  byId("message-text", HTMLElement).textContent =
    error instanceof Sentence ? error.message : "The page could not be built: load it again.";
  byId("message", HTMLElement).hidden = false;
});
