// Built from web/src by web/build.mjs, do not edit. sha256 of the sources: 221afe225ea0b4bf3c353a085a53469b545da2a21943f0b08af509b6a354ac26

// src/backend.ts
var Sentence = class extends Error {
};

// src/dom.ts
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return found;
}
function button(id, action) {
  const element = byId(id, HTMLButtonElement);
  element.addEventListener("click", () => void action());
  return element;
}
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAll(element, attributes);
  element.append(...children);
  return element;
}
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
function words(name) {
  const text = name.replaceAll(/[_-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
function measures({ width, height }) {
  return `${width} × ${height}`;
}
function save(file, name) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 1e4);
}

// src/pose.ts
var NOTHING = 1e-3;
function equal(a, b) {
  const near = (one, other) => Math.hypot(one.x - other.x, one.y - other.y) < NOTHING;
  return a.length === b.length && a.every((joint, i) => joint.visible === b[i].visible && near(joint, b[i]));
}
function bounds(pose) {
  const seen = pose.filter((joint) => joint.visible);
  if (seen.length === 0) return null;
  const [xs, ys] = [seen.map((joint) => joint.x), seen.map((joint) => joint.y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}
function fromFrame(pose, size, box) {
  const [sx, sy] = [box.width / size.width, box.height / size.height];
  return pose.map((joint) => ({
    ...joint,
    x: box.left + (joint.x + 0.5) * sx - 0.5,
    y: box.top + (joint.y + 0.5) * sy - 0.5
  }));
}
function rescale(pose, old, wanted) {
  return fromFrame(pose, old, { ...wanted, left: 0, top: 0 });
}
function mirror(pose, skeleton) {
  const axis = centre(pose, skeleton).x;
  return swapSides(pose, skeleton).map((joint) => ({ ...joint, x: 2 * axis - joint.x }));
}
function swapSides(pose, skeleton) {
  return skeleton.flip.map((joint) => pose[joint]);
}
function centre(pose, skeleton) {
  const torso = skeleton.torso.map((joint) => pose[joint]).filter((joint) => joint.visible);
  const used = torso.length > 0 ? torso : pose.filter((joint) => joint.visible);
  const sum = used.reduce((total2, joint) => ({ x: total2.x + joint.x, y: total2.y + joint.y }), { x: 0, y: 0 });
  return { x: sum.x / (used.length || 1), y: sum.y / (used.length || 1) };
}
function blend(from, to, share) {
  return from.map((a, index) => {
    const b = to[index];
    if (!a.visible || !b.visible) return share < 0.5 ? a : b;
    return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share, visible: true };
  });
}
function withVisible(pose, joint, visible) {
  return pose.map((old, index) => index === joint ? { ...old, visible } : old);
}
function placeHidden(pose, skeleton) {
  const aside = 0.05 * (bounds(pose)?.height ?? 0);
  const placed2 = /* @__PURE__ */ new Map();
  const place = (joint) => {
    const known = placed2.get(joint);
    if (known) return known;
    const old = pose[joint];
    const parent = skeleton.parents[joint];
    const left = skeleton.flip[joint] < joint;
    const at = old.visible || parent < 0 ? old : place(parent);
    const made = old.visible || parent < 0 ? old : { x: at.x + (left ? aside : -aside), y: at.y, visible: false };
    placed2.set(joint, made);
    return made;
  };
  return pose.map((_, joint) => place(joint));
}
var FILLED = 0.94;
function standingIn(size, pose, frame, skeleton) {
  const whole = placeHidden(pose, skeleton);
  const height = FILLED * Math.min(size.height, size.width * frame.height / frame.width);
  const width = height * frame.width / frame.height;
  const box = { left: (size.width - width) / 2, top: (size.height - height) / 2, width, height };
  return fromFrame(blend(whole, mirror(whole, skeleton), 0.5), frame, box);
}

// src/drag.ts
function subtree(skeleton, joint) {
  const found = /* @__PURE__ */ new Set([joint]);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    skeleton.parents.forEach((parent, child) => {
      if (found.has(parent)) found.add(child);
    });
  }
  return found;
}
var TURN = Math.PI / 720;
function dragJoint(pose, skeleton, joint, to, limbs, view) {
  if (!limbs) return pose.map((old, index) => index === joint ? { ...old, ...to } : old);
  const middle2 = skeleton.parents[joint];
  const start2 = skeleton.parents[middle2] ?? -1;
  const ends = !skeleton.parents.includes(joint);
  if (ends && skeleton.torso.includes(start2) && pose[middle2].visible && pose[start2].visible) {
    return bend(pose, start2, middle2, joint, to).map(
      (one, i) => i === middle2 && isIn(pose[i], view) ? { ...one, ...nearestIn(one, view) } : one
    );
  }
  const carried = subtree(skeleton, joint);
  if (skeleton.parents[joint] === -1) {
    for (const hip of skeleton.torso.slice(0, 2)) for (const leg of subtree(skeleton, hip)) carried.delete(leg);
  }
  const inside2 = bounds(pose.filter((one, index) => carried.has(index) && isIn(one, view)));
  const { x, y } = pose[joint];
  if (!inside2) return move(pose, to.x - x, to.y - y, carried);
  const [right, bottom] = [view.left + view.width - 1 - inside2.width, view.top + view.height - 1 - inside2.height];
  const dx = Math.min(right - inside2.left, Math.max(view.left - inside2.left, to.x - x));
  const dy = Math.min(bottom - inside2.top, Math.max(view.top - inside2.top, to.y - y));
  return move(pose, dx, dy, carried);
}
function nearestIn({ x, y }, { left, top, width, height }) {
  return { x: Math.min(left + width - 1, Math.max(left, x)), y: Math.min(top + height - 1, Math.max(top, y)) };
}
function isIn(joint, view) {
  const near = nearestIn(joint, view);
  return joint.visible && Math.hypot(near.x - joint.x, near.y - joint.y) < 0.01;
}
function move(pose, dx, dy, carried) {
  return pose.map((old, index) => !carried || carried.has(index) ? { ...old, x: old.x + dx, y: old.y + dy } : old);
}
function turnLimb(pose, skeleton, joint, angle, view) {
  const stays = (turned) => turned.every((to, index) => !isIn(pose[index], view) || isIn(to, view));
  for (let off = 0; off <= Math.PI; off += TURN) {
    for (const near of [angle - off, angle + off]) {
      const turned = turn(pose, skeleton, joint, near);
      if (stays(turned)) return turned;
    }
  }
  return pose;
}
function turn(pose, skeleton, joint, angle) {
  const about = pose[skeleton.parents[joint]];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const carried = subtree(skeleton, joint);
  return pose.map((old, index) => {
    if (!carried.has(index)) return old;
    const [dx, dy] = [old.x - about.x, old.y - about.y];
    return { ...old, x: about.x + dx * cosine - dy * sine, y: about.y + dx * sine + dy * cosine };
  });
}
function stretch(pose, from, to) {
  const [sx, sy] = [to.width / (from.width || 1), to.height / (from.height || 1)];
  return pose.map((old) => ({
    ...old,
    x: to.left + (old.x - from.left) * sx,
    y: to.top + (old.y - from.top) * sy
  }));
}
function bend(pose, start2, middle2, end, to) {
  const [a, b, c] = [pose[start2], pose[middle2], pose[end]];
  let upper = Math.hypot(b.x - a.x, b.y - a.y);
  let lower = Math.hypot(c.x - b.x, c.y - b.y);
  const reach = Math.hypot(to.x - a.x, to.y - a.y);
  if (reach < 1e-6 || upper + lower < 1e-6) return pose.map((old, i) => i === end ? { ...old, ...to } : old);
  if (reach > upper + lower) {
    const longer = reach / (upper + lower);
    [upper, lower] = [upper * longer, lower * longer];
  } else if (reach < Math.abs(upper - lower)) {
    if (upper > lower) upper = reach + lower;
    else lower = reach + upper;
  }
  const cosine = upper < 1e-6 ? 1 : (upper ** 2 + reach ** 2 - lower ** 2) / (2 * upper * reach);
  const side = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0 ? -1 : 1;
  const along = upper * Math.min(1, Math.max(-1, cosine));
  const across = side * Math.sqrt(Math.max(0, upper ** 2 - along ** 2));
  const [ux, uy] = [(to.x - a.x) / reach, (to.y - a.y) / reach];
  const bent = { x: a.x + along * ux - across * uy, y: a.y + along * uy + across * ux };
  return pose.map((old, i) => i === middle2 ? { ...old, ...bent } : i === end ? { ...old, ...to } : old);
}

// src/figure.ts
var BOX_MARGIN = 0.06;
var CORNERS = ["top left", "top right", "bottom right", "bottom left"];
var Figure = class {
  constructor(svg, skeleton) {
    this.svg = svg;
    this.skeleton = skeleton;
    skeleton.edges.forEach(([start2, end], index) => {
      this.halos.push(makeSvg("line", { class: "halo" }));
      this.bones.push(makeSvg("line", { class: "bone", stroke: skeleton.colours[index] }));
      if (skeleton.parents[end] === start2) this.boneGrips.set(end, makeSvg("line", { class: "grip" }));
    });
    this.joints = skeleton.joints.map((name) => {
      const circles = ["reach", "ring", "dot"].map((part) => makeSvg("circle", { class: part }));
      const named2 = { class: "joint", "aria-roledescription": "joint", "data-name": name };
      return makeSvg("g", { ...named2, tabindex: 0, role: "button" }, ...circles);
    });
    this.corners = CORNERS.map((name) => {
      const parts = [makeSvg("circle", { class: "reach" }), makeSvg("rect", { class: "square" })];
      const label = `Box around the person, ${name} corner`;
      return makeSvg("g", { class: "corner", tabindex: 0, role: "button", "aria-label": label }, ...parts);
    });
    const below = [this.torso, this.box, ...this.halos, ...this.bones];
    svg.replaceChildren(...below, ...this.boneGrips.values(), ...this.corners, ...this.joints);
  }
  svg;
  skeleton;
  torso = makeSvg("polygon", { class: "torso" });
  boneGrips = /* @__PURE__ */ new Map();
  // by the joint at the bone's far end
  joints;
  corners;
  view = { left: 0, top: 0, width: 1, height: 1 };
  pose = [];
  finger = matchMedia("(pointer: coarse)");
  bones = [];
  halos = [];
  box = makeSvg("rect", { class: "box" });
  /** Show this part of the photo. */
  frame(view) {
    this.view = view;
    this.svg.setAttribute("viewBox", `${view.left - 0.5} ${view.top - 0.5} ${view.width} ${view.height}`);
  }
  /** Where a pointer is, in pixels of the photo. */
  at(event) {
    const place = this.svg.getBoundingClientRect();
    const unit = this.view.width / place.width;
    return {
      x: this.view.left - 0.5 + (event.clientX - place.left) * unit,
      y: this.view.top - 0.5 + (event.clientY - place.top) * unit
    };
  }
  /** The nearest joint to a point, of those within so many times their reach; shown ones before hidden ones. */
  nearest(point, times = 1.5) {
    const reach = this.reach() * this.unit();
    let [best, least] = [null, Infinity];
    this.pose.forEach((joint, index) => {
      const far = Math.hypot(joint.x - point.x, joint.y - point.y);
      const rank = far + (joint.visible ? 0 : reach / 2);
      if (rank < least && far <= times * reach) [best, least] = [index, rank];
    });
    return best;
  }
  /** The box around all joints that count. */
  personBox() {
    const box = bounds(this.pose) ?? this.view;
    const margin = BOX_MARGIN * Math.max(box.height, box.width);
    return {
      left: box.left - margin,
      top: box.top - margin,
      width: box.width + 2 * margin,
      height: box.height + 2 * margin
    };
  }
  cornerPoints() {
    const { left, top, width, height } = this.personBox();
    const [right, bottom] = [left + width, top + height];
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }
  /** Photo pixels in one pixel of the screen. */
  unit() {
    return this.view.width / (this.svg.clientWidth || this.view.width);
  }
  reach() {
    return this.finger.matches ? 20 : 13;
  }
  /** Draw a pose, or the last one at another size. */
  draw(pose = this.pose) {
    this.pose = pose;
    if (pose.length === 0) return;
    const unit = this.unit();
    const shown2 = (joint) => this.pose[joint].visible;
    this.skeleton.edges.forEach(([start2, end], index) => {
      const there = shown2(start2) && shown2(end);
      for (const line of [this.bones[index], this.halos[index]]) this.drawLine(line, start2, end, there);
    });
    for (const [end, grip] of this.boneGrips) {
      const start2 = this.skeleton.parents[end];
      this.drawLine(grip, start2, end, shown2(start2) && shown2(end));
    }
    const torso = this.skeleton.torso.map((joint) => this.pose[joint]);
    this.torso.setAttribute("points", torso.map(({ x, y }) => `${x},${y}`).join(" "));
    this.torso.classList.toggle("away", !torso.every((joint) => joint.visible));
    this.joints.forEach((group, joint) => this.drawJoint(group, joint, unit));
    this.drawBox(unit);
  }
  drawLine(line, start2, end, there) {
    const [a, b] = [this.pose[start2], this.pose[end]];
    setAll(line, { x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    line.classList.toggle("away", !there);
  }
  drawJoint(group, joint, unit) {
    const { x, y, visible } = this.pose[joint];
    const [reach, ring, dot] = group.children;
    for (const circle of [reach, ring, dot]) setAll(circle, { cx: x, cy: y });
    reach.setAttribute("r", String(this.reach() * unit));
    ring.setAttribute("r", String(9 * unit));
    dot.setAttribute("r", String((visible ? 4.5 : 3.5) * unit));
    group.classList.toggle("hidden-joint", !visible);
    group.setAttribute("aria-pressed", String(visible));
    const place = `${Math.round(x)}, ${Math.round(y)}`;
    group.setAttribute("aria-label", `${words(this.skeleton.joints[joint])}, ${visible ? `at ${place}` : "hidden"}`);
  }
  drawBox(unit) {
    const { left, top, width, height } = this.personBox();
    setAll(this.box, { x: left, y: top, width, height });
    this.cornerPoints().forEach(({ x, y }, corner) => {
      const [reach, square] = this.corners[corner].children;
      setAll(reach, { cx: x, cy: y, r: this.reach() * unit });
      setAll(square, { x: x - 5 * unit, y: y - 5 * unit, width: 10 * unit, height: 10 * unit, rx: 2 * unit });
    });
  }
};

// src/editor.ts
var STEP = 1;
var BIG_STEP = 5;
var ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
};
var Editor = class {
  constructor(svg, skeleton, events) {
    this.svg = svg;
    this.skeleton = skeleton;
    this.events = events;
    this.figure = new Figure(svg, skeleton);
    this.tie();
    svg.addEventListener("pointermove", (event) => this.follow(event));
    svg.addEventListener("pointerup", (event) => this.release(event));
    svg.addEventListener("pointercancel", (event) => this.release(event));
    svg.addEventListener("touchstart", (event) => event.target !== svg && event.preventDefault(), { passive: false });
    svg.addEventListener("dblclick", (event) => this.toggle(event));
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.cancel();
    });
    new ResizeObserver(() => this.figure.draw()).observe(svg);
  }
  svg;
  skeleton;
  events;
  limbs = true;
  keyStep = 1;
  // photo pixels that make one pixel of the model's picture
  pose = [];
  hasBox = false;
  grip = null;
  figure;
  /** Show a pose, unless one is being dragged. */
  show(pose) {
    if (this.grip) return;
    this.pose = pose;
    this.figure.draw(pose);
  }
  /** Show this part of the photo; hasBox: with a box around the person, to move and stretch all of it. */
  frame(view, hasBox) {
    this.letGo();
    this.hasBox = hasBox;
    this.svg.classList.toggle("with-box", hasBox);
    this.figure.frame(view);
    this.figure.draw();
  }
  /** The box around the person. */
  get personBox() {
    return this.figure.personBox();
  }
  tie() {
    const { torso, boneGrips, joints, corners } = this.figure;
    torso.addEventListener("pointerdown", (event) => this.grab(event, this.bodyGrip(this.figure.at(event))));
    for (const [joint, line] of boneGrips) {
      line.addEventListener("pointerdown", (event) => this.grab(event, this.boneGrip(joint, this.figure.at(event))));
    }
    joints.forEach((group, joint) => this.tieJoint(group, joint));
    corners.forEach((group, corner) => this.tieCorner(group, corner));
  }
  tieJoint(group, joint) {
    group.addEventListener("pointerdown", (event) => {
      const at = this.figure.at(event);
      const nearest = this.figure.nearest(at) ?? joint;
      this.figure.joints[nearest].focus({ preventScroll: true });
      this.grab(event, this.jointGrip(nearest, at));
    });
    group.addEventListener("focus", () => this.events.selected(joint));
    group.addEventListener("keydown", (event) => this.jointKey(event, joint));
  }
  tieCorner(group, corner) {
    group.addEventListener("pointerdown", (event) => {
      group.focus({ preventScroll: true });
      this.grab(event, this.cornerGrip(corner, this.figure.at(event)));
    });
    group.addEventListener("keydown", (event) => {
      const step = this.arrow(event);
      if (!step) return;
      const at = this.figure.cornerPoints()[corner];
      this.change(this.cornerGrip(corner, at)({ x: at.x + step.x, y: at.y + step.y }), `corner ${corner}`, event.timeStamp);
    });
  }
  toggle(event) {
    const joint = this.figure.nearest(this.figure.at(event), 1);
    if (joint !== null) this.events.toggled(joint);
  }
  // What a pointer holds ---------------------------------------------------------------------------------------------
  jointGrip(joint, at) {
    const [from, dx, dy] = [this.pose, this.pose[joint].x - at.x, this.pose[joint].y - at.y];
    return (to) => this.dragged(from, joint, { x: to.x + dx, y: to.y + dy });
  }
  dragged(from, joint, to) {
    return dragJoint(from, this.skeleton, joint, this.within(to), this.limbs && !this.hasBox, this.figure.view);
  }
  boneGrip(joint, at) {
    if (this.skeleton.torso.includes(joint)) return this.bodyGrip(at);
    const [from, about] = [this.pose, this.pose[this.skeleton.parents[joint]]];
    const angle = (point) => Math.atan2(point.y - about.y, point.x - about.x);
    return (to) => turnLimb(from, this.skeleton, joint, angle(to) - angle(at), this.figure.view);
  }
  bodyGrip(at) {
    const from = this.pose;
    const middle2 = centre(from, this.skeleton);
    return (to) => {
      const kept = this.within({ x: middle2.x + to.x - at.x, y: middle2.y + to.y - at.y });
      return move(from, kept.x - middle2.x, kept.y - middle2.y);
    };
  }
  cornerGrip(corner, at) {
    const [from, old] = [this.pose, this.figure.personBox()];
    const [right, bottom] = [corner === 1 || corner === 2, corner >= 2];
    const margin = BOX_MARGIN * Math.max(this.figure.view.width, this.figure.view.height);
    return (pointer) => {
      const to = this.within(pointer, margin, at);
      const least = 0.05 * old.height;
      const width = Math.max(least, old.width + (right ? to.x - at.x : at.x - to.x));
      const height = Math.max(least, old.height + (bottom ? to.y - at.y : at.y - to.y));
      const left = right ? old.left : old.left + old.width - width;
      const top = bottom ? old.top : old.top + old.height - height;
      return stretch(from, old, { left, top, width, height });
    };
  }
  grab(event, take) {
    if (this.grip || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.svg.setPointerCapture(event.pointerId);
    this.svg.classList.add("dragging");
    this.grip = { take, pointer: event.pointerId, from: this.pose, changed: false };
  }
  follow(event) {
    if (this.grip?.pointer !== event.pointerId) return;
    this.grip.changed = true;
    this.pose = this.grip.take(this.figure.at(event));
    this.figure.draw(this.pose);
    this.events.moving(this.pose, event.timeStamp);
  }
  release(event) {
    if (this.grip?.pointer !== event.pointerId) return;
    const { changed } = this.grip;
    this.letGo();
    if (changed) this.events.moved(this.pose, "", event.timeStamp);
  }
  /** Give up what is being dragged. */
  cancel() {
    if (!this.grip) return;
    this.pose = this.grip.from;
    this.letGo();
    this.figure.draw(this.pose);
    this.events.cancelled();
  }
  letGo() {
    this.grip = null;
    this.svg.classList.remove("dragging");
  }
  // Keys -------------------------------------------------------------------------------------------------------------
  jointKey(event, joint) {
    const step = this.arrow(event);
    if (step) {
      const { x, y } = this.pose[joint];
      const pose = this.dragged(this.pose, joint, { x: x + step.x, y: y + step.y });
      this.change(pose, `joint ${joint}`, event.timeStamp);
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.events.toggled(joint);
    }
  }
  arrow(event) {
    const direction = ARROWS[event.key];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey || this.grip) return null;
    event.preventDefault();
    const length = (event.shiftKey ? BIG_STEP : STEP) * this.keyStep;
    return { x: direction[0] * length, y: direction[1] * length };
  }
  change(pose, label, time) {
    this.pose = pose;
    this.figure.draw(this.pose);
    this.events.moved(pose, label, time);
  }
  /** The nearest point inside the picture, at most `margin` outside, or as far outside as `from` is. */
  within({ x, y }, margin = 0, from) {
    const { left, top, width, height } = this.figure.view;
    const between2 = (value, first, last, start2 = first) => Math.min(Math.max(last + margin, start2), Math.max(Math.min(first - margin, start2), value));
    return { x: between2(x, left, left + width - 1, from?.x), y: between2(y, top, top + height - 1, from?.y) };
  }
};

// src/history.ts
var TOGETHER = 700;
var KEPT = 200;
var History = class {
  constructor(value, equal2) {
    this.value = value;
    this.equal = equal2;
  }
  value;
  equal;
  past = [];
  future = [];
  label = "";
  time = -Infinity;
  get now() {
    return this.value;
  }
  get canUndo() {
    return this.past.length > 0;
  }
  get canRedo() {
    return this.future.length > 0;
  }
  /** Change the value; with a label, changes in quick succession are one step. */
  put(value, label = "", time = performance.now()) {
    if (this.equal(value, this.value)) return;
    const same = label !== "" && label === this.label && time - this.time < TOGETHER;
    if (!same) this.past.push(this.value);
    if (this.past.length > KEPT) this.past.shift();
    this.future = [];
    this.value = value;
    [this.label, this.time] = [label, time];
  }
  undo() {
    return this.step(this.past, this.future);
  }
  redo() {
    return this.step(this.future, this.past);
  }
  step(from, to) {
    const value = from.pop();
    if (value === void 0) return false;
    to.push(this.value);
    this.value = value;
    this.label = "";
    return true;
  }
};

// src/newest.ts
var Overtaken = class extends Error {
};
var Newest = class {
  count = 0;
  /** An action begins that overtakes all before it. */
  begin() {
    this.count += 1;
    return this.watch();
  }
  /** An action begins that overtakes none, but is overtaken. */
  watch() {
    const mine = this.count;
    return async (answer) => {
      const [settled] = await Promise.allSettled([answer]);
      if (mine !== this.count) throw new Overtaken();
      if (settled.status === "rejected") throw settled.reason;
      return settled.value;
    };
  }
};

// src/messages.ts
var Messages = class {
  bar = byId("message", HTMLElement);
  text = byId("message-text", HTMLElement);
  live = byId("live", HTMLElement);
  about = "";
  // what the sentence is about, if that may pass by itself
  waiting = 0;
  // actions that cover the page
  constructor() {
    byId("message-close", HTMLButtonElement).addEventListener("click", () => this.clear());
  }
  /** Show a sentence until it is closed or the next action begins; about: or until what that names is well again. */
  show(sentence, about = "") {
    this.about = about;
    this.text.textContent = sentence;
    this.bar.hidden = false;
  }
  /** What this names is well again: nothing bad is said of it any more. */
  over(about) {
    if (this.about === about) this.clear();
  }
  clear() {
    this.about = "";
    this.bar.hidden = true;
    this.text.textContent = "";
  }
  /** Tell screen readers. */
  tell(text) {
    this.live.textContent = text;
  }
  /** Run an action; what it throws becomes a sentence in the page, unless another action has overtaken it. */
  async guard(action) {
    this.clear();
    try {
      await action();
    } catch (error) {
      if (error instanceof Overtaken) return;
      if (!(error instanceof Sentence)) console.error(error);
      this.show(error instanceof Sentence ? error.message : "Something went wrong in the page: load it again.");
    }
  }
  /** Cover the page with what it waits for while an action runs: nothing below can be clicked or focused. */
  async busy(what, action) {
    byId("busy", HTMLElement).textContent = what;
    const focused = document.activeElement;
    this.cover(1);
    try {
      await action();
    } finally {
      this.cover(-1);
      const lost = document.activeElement === document.body;
      if (lost && (focused instanceof HTMLElement || focused instanceof SVGElement)) focused.focus();
    }
  }
  cover(more) {
    this.waiting += more;
    document.body.classList.toggle("busy", this.waiting > 0);
    byId("main", HTMLElement).inert = this.waiting > 0;
  }
};

// src/names.ts
var LONGEST = 60;
function stem(file) {
  return clean(file.replace(/\.[^.]*$/, "")) || null;
}
function fileName(parts, ending) {
  return `${parts.map(clean).join("-")}.${ending}`;
}
function clean(text) {
  const plain = text.replaceAll(/[^\p{L}\p{N}\p{M}_.-]+/gu, "-");
  return plain.slice(0, LONGEST).replaceAll(/^[-.]+|[-.]+$/g, "");
}

// src/player.ts
var FRAMES = 32;
var SECONDS = 2.4;
function thereAndBack(from, to) {
  const share = (frame) => 0.5 - 0.5 * Math.cos(2 * Math.PI * frame / FRAMES);
  return { frames: Array.from({ length: FRAMES }, (_, frame) => blend(from, to, share(frame))), seconds: SECONDS };
}
var Player = class {
  constructor(show) {
    this.show = show;
  }
  show;
  timer = 0;
  last = -1;
  get playing() {
    return this.timer !== 0;
  }
  play(frames, seconds) {
    this.stop();
    const start2 = performance.now();
    this.last = -1;
    const step = () => {
      const index = Math.floor((performance.now() - start2) / 1e3 / seconds % 1 * frames.length);
      if (index !== this.last) this.show(frames[index]);
      this.last = index;
      this.timer = requestAnimationFrame(step);
    };
    this.timer = requestAnimationFrame(step);
  }
  stop() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
  }
};

// src/results.ts
var Result = class {
  constructor(model) {
    this.model = model;
    const { width, height } = model.size;
    const size = { width: String(width), height: String(height) };
    this.canvas = make("canvas", { class: "picture", role: "img", "aria-label": `Picture made by ${model.name}`, ...size });
    this.photo = make("canvas", { class: "over", "aria-hidden": "true", ...size });
    this.frame = make("div", { class: "frame" }, this.canvas, this.photo);
    const caption = make("figcaption", {}, make("span", { class: "name" }, model.name), this.time, this.verdict);
    this.figure = make("figure", { class: "result", "data-model": model.name }, this.frame, caption);
    this.figure.style.setProperty("--ratio", String(width / height));
  }
  model;
  figure;
  frame;
  canvas;
  photo;
  time = make("span", { class: "time" });
  verdict = make("span", { class: "verdict", "aria-live": "polite" });
  draw(picture) {
    this.canvas.getContext("2d").putImageData(picture.pixels, 0, 0);
    this.time.textContent = `${Math.round(picture.milliseconds)} ms`;
    const detail = picture.milliseconds;
    performance.measure(`posegan ${this.model.name}`, { start: picture.asked, end: performance.now(), detail });
  }
  /** Say what was found of the picture, a line for each sentence. */
  say(sentences) {
    this.verdict.replaceChildren(...sentences.map((sentence) => make("span", {}, sentence)));
  }
  /** Lay the photo's cut under the slider. */
  setPhoto(image, box) {
    const { width, height } = this.photo;
    const context = this.photo.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.clearRect(0, 0, width, height);
    context.drawImage(image, ...placed(box, width, height));
  }
  clear() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.time.textContent = "";
    this.say([]);
  }
};
function placed(box, width, height) {
  return [box.left, box.top, box.width, box.height, 0, 0, width, height];
}

// src/stage.ts
var SHARP = 900;
var TWICE = 2;
var Stage = class {
  results;
  stages = byId("stages", HTMLElement);
  figure = byId("photo-figure", HTMLElement);
  frame = byId("photo-frame", HTMLElement);
  canvas = byId("photo", HTMLCanvasElement);
  constructor(models) {
    this.results = new Map(models.map((model) => [model.name, new Result(model)]));
  }
  /** Put the whole photo there, or with models its cut and their pictures; tells what is seen, and where joints go. */
  lay(photo, image, models) {
    const shown2 = models.map((name) => this.results.get(name));
    this.stages.replaceChildren(this.figure, ...shown2.map((result) => result.figure));
    const view = photo.boxes?.get(models[0] ?? "") ?? { left: 0, top: 0, ...photo.size };
    this.drawPhoto(image, view);
    for (const result of shown2) {
      const box = photo.boxes?.get(result.model.name);
      if (box) result.setPhoto(image, box);
    }
    return { view, holder: shown2[0]?.frame ?? this.frame };
  }
  drawPhoto(image, view) {
    const scale = Math.min(TWICE, Math.max(1, SHARP / view.height));
    const [width, height] = [Math.round(view.width * scale), Math.round(view.height * scale)];
    [this.canvas.width, this.canvas.height] = [width, height];
    const context = this.canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, view.left, view.top, view.width, view.height, 0, 0, width, height);
    this.figure.style.setProperty("--ratio", String(view.width / view.height));
  }
  /** Pixels of a model's picture from top to bottom. */
  height(model) {
    return this.results.get(model).model.size.height;
  }
  show(picture) {
    this.results.get(picture.model)?.draw(picture);
  }
  say(model, sentences) {
    this.results.get(model)?.say(sentences);
  }
  clear() {
    for (const result of this.results.values()) result.clear();
  }
};

// src/rest.ts
var Rest = class {
  // aborted by the next move
  /** time: milliseconds without a move after which something rests. */
  constructor(time) {
    this.time = time;
  }
  time;
  timer = 0;
  current = new AbortController();
  /** It moves: what was to be done is given up, and what was asked for is told by its signal. */
  move() {
    window.clearTimeout(this.timer);
    this.current.abort();
    this.current = new AbortController();
  }
  /** Do it when it rests, unless it moves before. */
  wait(act) {
    const { signal } = this.current;
    this.timer = window.setTimeout(() => void act(signal), this.time);
  }
};

// src/verdicts.ts
var Verdicts = class {
  // milliseconds
  constructor(backend, show) {
    this.backend = backend;
    this.show = show;
  }
  backend;
  show;
  rest = new Rest(350);
  /** A new pose: whatever was said is about another picture. */
  forget(models) {
    this.rest.move();
    for (const model of models) this.show(model, []);
  }
  /** The pose may stay: ask, unless another one comes. */
  soon(photo, models, pose) {
    this.rest.wait((signal) => this.ask(photo, models, pose, signal));
  }
  async ask(photo, models, pose, signal) {
    for (const model of models) {
      const sentences = await this.backend.judge(photo, model, pose, signal).catch(() => []);
      if (signal.aborted) return;
      this.show(model, sentences);
    }
  }
};

// src/whole.ts
var WIDEST = 1.9;
var Whole = class {
  // of that pose
  constructor(backend, fileName2) {
    this.backend = backend;
    this.fileName = fileName2;
    this.box.addEventListener("change", () => this.turn());
    this.turn();
  }
  backend;
  fileName;
  figure = byId("whole", HTMLElement);
  image = byId("whole-photo", HTMLImageElement);
  name = byId("whole-name", HTMLElement);
  note = byId("whole-note", HTMLElement);
  box = byId("in-photo", HTMLInputElement);
  button = button("download-photo", () => this.download());
  rest = new Rest(500);
  // milliseconds
  wish = null;
  // of the pose that rests
  made = null;
  get on() {
    return this.backend.inPhoto !== null && this.box.checked;
  }
  /** Show or hide it, as the box says. */
  turn() {
    const wish = this.wish;
    this.forget();
    this.figure.hidden = !this.on;
    if (wish) this.soon(...wish);
  }
  /** Make room for a photo of that size, beside pictures of these models or below them. */
  lay(photo, models) {
    const ratio = ({ width, height }) => width / height;
    const pictures = models.map(({ size }) => ratio(size));
    const all = ratio(photo) + pictures.reduce((a, b) => a + b, pictures[0] ?? 0);
    this.figure.style.setProperty("--ratio", String(ratio(photo)));
    byId("whole-size", HTMLElement).textContent = measures(photo);
    byId("show", HTMLElement).classList.toggle("beside", all <= WIDEST);
  }
  /** Another photo: nothing of the last one stays. */
  clear() {
    this.forget();
    URL.revokeObjectURL(this.image.src);
    this.image.removeAttribute("src");
    this.image.hidden = true;
    this.name.textContent = "In the photo";
  }
  /** A new pose: what is shown is of another one. */
  forget() {
    this.rest.move();
    this.wish = this.made = null;
    this.note.textContent = "";
    this.tell();
  }
  /** The pose may stay: have it made by the first of the models, unless another one comes. */
  soon(...wish) {
    this.wish = wish;
    if (this.on) this.rest.wait((signal) => this.make(wish, signal));
  }
  async make([photo, models, pose], signal) {
    const model = models[0];
    try {
      const file = await this.backend.inPhoto(photo, model, pose, signal);
      if (!signal.aborted) await this.show(file, model, signal);
    } catch (error) {
      if (!signal.aborted) this.note.textContent = error instanceof Sentence ? error.message : "It could not be made.";
    }
  }
  async show(file, model, signal) {
    const next = new Image();
    next.src = URL.createObjectURL(file);
    await next.decode();
    if (signal.aborted) return URL.revokeObjectURL(next.src);
    URL.revokeObjectURL(this.image.src);
    this.image.src = next.src;
    this.image.alt = `The whole photo with the person in the new pose, made by ${model}`;
    this.image.hidden = false;
    this.name.textContent = `In the photo, by ${model}`;
    this.made = { file, model };
    this.tell();
  }
  /** Say on the figure and the button whether what is shown is of the pose. */
  tell() {
    this.figure.setAttribute("aria-busy", String(this.made === null));
    this.button.setAttribute("aria-disabled", String(this.made === null));
  }
  download() {
    if (this.made) save(this.made.file, this.fileName(this.made.model));
  }
};

// src/zoom.ts
var MOST = 8;
var FAR = 12;
var between = (value, first, last) => Math.min(last, Math.max(first, value));
var Zoom = class {
  // of the picture
  constructor(svg, stages, begins) {
    this.svg = svg;
    this.stages = stages;
    this.begins = begins;
    this.button.addEventListener("click", () => this.end());
    svg.addEventListener("pointerdown", (event) => this.down(event), { capture: true });
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) svg.addEventListener(kind, (event) => this.up(event));
    const ours = (event) => (event.touches.length > 1 || this.scale > 1) && event.preventDefault();
    svg.addEventListener("touchstart", ours, { passive: false });
  }
  svg;
  stages;
  begins;
  button = make("button", { type: "button", class: "unzoom" }, "Whole picture");
  fingers = /* @__PURE__ */ new Map();
  scale = 1;
  corner = { x: 0, y: 0 };
  // of the larger picture, of the frame's size
  grip = null;
  /** The whole picture again. */
  end() {
    [this.scale, this.corner, this.grip] = [1, { x: 0, y: 0 }, null];
    this.fingers.clear();
    this.show();
  }
  down(event) {
    if (event.pointerType !== "touch" || this.fingers.size > 1) return;
    const [first] = this.fingers.values();
    if (first && !first.free && Math.hypot(first.at.x - first.from.x, first.at.y - first.from.y) > FAR) return;
    const at = { x: event.clientX, y: event.clientY };
    this.fingers.set(event.pointerId, { from: at, at, free: event.target === this.svg });
    if (this.fingers.size === 2) {
      event.stopPropagation();
      this.begins();
    }
    this.hold();
  }
  move(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    finger.at = { x: event.clientX, y: event.clientY };
    if (this.grip) this.pull(this.grip);
  }
  up(event) {
    if (this.fingers.delete(event.pointerId)) this.hold();
  }
  /** What the fingers hold from now on. */
  hold() {
    const fingers = [...this.fingers.values()];
    const holds = fingers.length === 2 || this.scale > 1 && fingers.length === 1 && fingers[0].free;
    const { middle: middle2, apart } = this.seen();
    const { scale, corner } = this;
    const point = { x: (middle2.x - corner.x) / scale, y: (middle2.y - corner.y) / scale };
    this.grip = holds ? { point, scale, apart } : null;
  }
  pull({ point, scale, apart: before }) {
    const { middle: middle2, apart } = this.seen();
    this.scale = between(scale * apart / before, 1, MOST);
    const place = (middle3, point2) => between(middle3 - point2 * this.scale, 1 - this.scale, 0);
    this.corner = { x: place(middle2.x, point.x), y: place(middle2.y, point.y) };
    this.show();
  }
  /** The middle of the fingers, of the frame's size, and how far they are apart: 1 for one finger. */
  seen() {
    const frame = this.svg.parentElement.getBoundingClientRect();
    const [one, other] = [...this.fingers.values()].map(({ at }) => at);
    const [a, b] = [one ?? { x: 0, y: 0 }, other ?? one ?? { x: 0, y: 0 }];
    return {
      middle: { x: ((a.x + b.x) / 2 - frame.left) / frame.width, y: ((a.y + b.y) / 2 - frame.top) / frame.height },
      apart: Math.hypot(b.x - a.x, b.y - a.y) || 1
    };
  }
  show() {
    this.stages.classList.toggle("zoomed", this.scale > 1);
    const { scale, corner } = this;
    for (const [name, value] of [["scale", scale], ["left", corner.x], ["top", corner.y]]) {
      this.stages.style.setProperty(`--zoom-${name}`, String(value));
    }
  }
};

// src/app.ts
var NONE = [];
var LOOKING = "Looking for the person …";
var FOUND = "The joints were found. See whether they are right.";
var PLACING_STEPS = 300;
var OWN = 12;
function named(photo, file) {
  const name = stem(file.name);
  return name === null ? photo : { ...photo, name };
}
function remember(pose) {
  return new History(pose, equal);
}
var App = class {
  constructor(backend, facts) {
    this.backend = backend;
    this.facts = facts;
    this.chosen = [facts.models[0].name];
    this.stage = new Stage(facts.models);
    this.editor = new Editor(byId("editor", SVGSVGElement), facts.skeleton, {
      moving: (pose, time) => this.moving(pose, time),
      moved: (pose, label, time) => this.put(pose, label, time),
      cancelled: () => this.refresh(performance.now()),
      toggled: (joint) => this.toggle(joint),
      selected: (joint) => {
        this.selected = joint;
        this.changed();
      }
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
      connected: (is) => document.body.classList.toggle("lost", !is)
    });
  }
  backend;
  facts;
  messages = new Messages();
  editor;
  selected = null;
  chosen;
  playing = null;
  motion = null;
  // what plays or played last
  changed = () => void 0;
  // whoever shows the state of the controls
  /** The user's photos, in the order in which they came. */
  own = [];
  /** What is shown. */
  work = null;
  taken = null;
  // from the library, with its name
  picked = false;
  // whether the user has chosen models
  nothing = remember([]);
  newest = new Newest();
  zoom;
  stage;
  renderer;
  verdicts;
  whole;
  player = new Player((pose) => this.preview(pose, performance.now()));
  get step() {
    return this.work?.step ?? "pose";
  }
  get history() {
    const { work } = this;
    if (!work) return this.nothing;
    return work.step === "joints" ? work.source : work.target;
  }
  /** More photos of the person. */
  get others() {
    return this.work?.photo.others ?? NONE;
  }
  /** Whether more photos of the person can be added, up to a number: somebody has to find the person in them. */
  get takesOthers() {
    return this.isOwn && !this.work?.joins && this.facts.photos > 1 && this.facts.detector !== null;
  }
  /** The photo that is posed: what is shown, or what that is a further photo of. */
  get person() {
    return this.work?.joins?.to ?? this.work;
  }
  /** Whether the user brought it. */
  get isOwn() {
    const { person } = this;
    return person !== null && this.own.includes(person);
  }
  // Photos -----------------------------------------------------------------------------------------------------------
  async takeExample(number) {
    const still = this.newest.begin();
    await this.messages.guard(async () => this.use(await still(this.backend.takeExample(number)), "pose", false, still));
  }
  /** A photo of a person who is to be posed, and more photos of the same person. */
  async openPhotos(first, others) {
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
  async addOthers(files) {
    const still = this.newest.watch();
    await this.messages.guard(() => this.messages.busy(LOOKING, () => this.add(files, still)));
  }
  async add(files, still) {
    const { photos } = this.facts;
    if (!this.takesOthers) throw new Sentence("Only one photo of a person is taken here: the first is shown.");
    const faults = [];
    const unfound = [];
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
  async placeNext(to, [photo, ...waiting], still) {
    if (!photo) return this.show(to);
    const former = to.photo.others.includes(photo) ? photo : null;
    this.show({ ...await this.prepare(photo, "joints", still), joins: { to, former, waiting } });
    this.messages.tell("Place the joints on the person.");
  }
  /** Mend the joints of another photo of the person. */
  async mendOther(photo) {
    const still = this.newest.begin();
    await this.messages.guard(() => this.placeNext(this.require(), [photo], still));
  }
  /** Leave a further photo of the person as it was: not added, or with the joints that it had. */
  async leaveOther() {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const { joins } = this.require();
      if (joins) await this.placeNext(joins.to, joins.waiting, still);
    });
  }
  removeOther(index) {
    this.setOthers(this.others.filter((_, other) => other !== index));
    this.messages.tell(`Photo ${index + 2} of this person is removed.`);
  }
  /** Another photo of the person comes first, so that it is posed and its joints can be mended; the pose stays. */
  async putFirst(other) {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const work = this.require();
      const first = work.photo;
      if (!first.boxes) throw new Sentence("Place the joints of this photo first, or drop the photos in another order.");
      const boxes = await still(this.backend.setJoints(first, work.source.now));
      const posed = work.target.canUndo && bounds(work.target.now) !== null;
      const target = posed ? this.settled(await still(this.backend.place(other, work.target.now))) : null;
      const made = await this.prepare(other, work.step, still);
      if (!this.others.includes(other)) return;
      const former = { ...first, pose: work.source.now, boxes, others: NONE };
      made.photo = { ...other, others: this.others.map((photo) => photo === other ? former : photo) };
      if (target) made.target.put(target);
      this.own = this.own.map((one) => one === work ? made : one);
      this.show(made);
      this.messages.tell("That photo comes first now.");
    });
  }
  setOthers(others) {
    const work = this.require();
    work.photo = { ...work.photo, others };
    if (this.player.playing) this.changed();
    else this.refresh(performance.now());
  }
  async use(photo, step, own, still) {
    const work = await this.prepare(photo, step, still);
    if (own) this.own = [...this.own, work].slice(-OWN);
    this.show(work);
    if (photo.pose === null && this.facts.detector !== null) {
      const [why, remedy] = photo.unsearched ? [photo.unsearched, "place the joints by hand, or load them from an OpenPose JSON"] : ["Nobody was found in this photo", "drag the box to the person, then find the joints in it or place them by hand"];
      this.messages.show(`${why}: ${remedy}.`);
    }
    const next = photo.pose ? FOUND : "Place the joints on the person.";
    this.messages.tell(step === "pose" ? "A person is ready. Drag a joint." : next);
  }
  /** All that has to be waited for before a photo is shown: until then nothing changes. */
  async prepare(photo, step, still) {
    const image = new Image();
    image.src = photo.picture;
    const fault = new Sentence("The photo cannot be shown: drop it again.");
    await still(image.decode().catch(() => Promise.reject(fault)));
    const known = photo.pose && placeHidden(photo.pose, this.facts.skeleton);
    const placed2 = known && await still(this.backend.libraryFor(photo));
    const pose = known ?? this.guess(photo);
    return { photo, image, placed: placed2, source: remember(pose), target: remember(pose), step };
  }
  /** Back to one of the user's photos, with all that was done to it. */
  goTo(work) {
    if (work === this.work) return;
    this.newest.begin();
    this.messages.clear();
    this.show(work);
    this.messages.tell("Your photo is back.");
  }
  show(work) {
    this.stop();
    this.work = work;
    if (!this.picked) this.chosen = [this.suited(!this.isOwn).name];
    this.stage.clear();
    this.whole.clear();
    document.body.classList.toggle("joints-found", work.photo.pose !== null);
    document.body.classList.toggle("joining", work.joins !== void 0);
    this.go(work.step);
    byId("bar", HTMLElement).scrollIntoView({ block: "nearest" });
  }
  /** The model that was trained on people of that kind, or else the first. */
  suited(synthetic) {
    const { models } = this.facts;
    return models.find((model) => model.synthetic === synthetic) ?? models[0];
  }
  guess(photo) {
    const { poses, size } = this.facts.library;
    return standingIn(photo.size, poses[0].pose, size, this.facts.skeleton);
  }
  // Steps ------------------------------------------------------------------------------------------------------------
  /** Take the joints as they are placed, and pose the person. */
  async confirmJoints() {
    const still = this.newest.begin();
    await this.messages.guard(async () => {
      const work = this.require();
      const joints = work.source.now;
      const boxes = await still(this.backend.setJoints(work.photo, joints));
      if (work.joins) {
        const { to, former, waiting } = work.joins;
        const [photo, { others }] = [{ ...work.photo, pose: joints, boxes }, to.photo];
        to.photo = { ...to.photo, others: former ? others.map((one) => one === former ? photo : one) : [...others, photo] };
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
  go(step) {
    const { work } = this;
    if (!work || step === "pose" && !work.photo.boxes) return;
    this.stop();
    work.step = step;
    document.body.dataset["step"] = step;
    this.layOut();
    this.refresh(performance.now());
  }
  layOut() {
    if (!this.work) return;
    const { photo, image } = this.work;
    const { view, holder } = this.stage.lay(photo, image, this.step === "joints" ? [] : this.chosen);
    holder.append(this.editor.svg, this.zoom.button);
    this.zoom.end();
    this.whole.lay(photo.size, this.facts.models.filter(({ name }) => this.chosen.includes(name)));
    const steps = this.step === "joints" ? PLACING_STEPS : this.stage.height(this.chosen[0]);
    this.editor.keyStep = Math.max(view.height / steps, 0.25);
    this.editor.frame(view, this.step === "joints");
    const sizes = this.chosen.map((name) => measures(this.facts.models.find((model) => model.name === name).size));
    byId("picture-size", HTMLElement).textContent = [...new Set(sizes)].join(", ");
  }
  // Poses ------------------------------------------------------------------------------------------------------------
  /** A pose while something moves: shown and rendered, not remembered. */
  preview(pose, time) {
    this.editor.show(pose);
    this.render(pose, time);
  }
  moving(pose, time) {
    this.halt();
    if (this.step === "pose") this.render(pose, time);
  }
  /** A new pose that can be undone. */
  put(pose, label = "", time = performance.now()) {
    this.halt();
    this.history.put(pose, label, time);
    this.refresh(time);
    if (this.selected !== null) this.tellJoint(this.selected);
  }
  refresh(time) {
    this.editor.show(this.history.now);
    if (this.step === "pose") this.render(this.history.now, time);
    const { work } = this;
    if (work?.step === "pose" && work.photo.boxes) {
      this.verdicts.soon(work.photo, this.chosen, work.target.now);
      this.whole.soon(work.photo, this.chosen, work.target.now);
    }
    this.changed();
  }
  render(pose, time) {
    this.verdicts.forget(this.chosen);
    this.whole.forget();
    const photo = this.work?.photo;
    if (photo?.boxes) this.renderer.want(photo, this.chosen, pose, time);
  }
  undo() {
    this.halt();
    const done = this.history.undo();
    this.messages.tell(done ? "Undone." : "There is nothing to undo.");
    this.refresh(performance.now());
  }
  redo() {
    this.halt();
    const done = this.history.redo();
    this.messages.tell(done ? "Done again." : "There is nothing to do again.");
    this.refresh(performance.now());
  }
  /** Back to the photo's own pose; while the joints are placed, back to the start of that. */
  reset() {
    if (!this.work) return;
    const { photo, step, source } = this.work;
    const known = photo.pose && placeHidden(photo.pose, this.facts.skeleton);
    this.put(step === "pose" ? source.now : known ?? this.guess(photo));
    this.messages.tell("The pose is reset.");
  }
  mirror() {
    if (!this.work) return;
    this.put(mirror(this.history.now, this.facts.skeleton));
    this.messages.tell("The pose is mirrored.");
  }
  swapSides() {
    if (!this.work) return;
    this.put(swapSides(this.history.now, this.facts.skeleton));
    this.messages.tell("Left and right are swapped.");
  }
  toggle(joint) {
    const pose = this.history.now;
    this.put(withVisible(pose, joint, !pose[joint].visible));
    this.tellJoint(joint);
  }
  tellJoint(joint) {
    const { x, y, visible } = this.history.now[joint];
    const name = words(this.facts.skeleton.joints[joint]);
    this.messages.tell(visible ? `${name} at ${Math.round(x)}, ${Math.round(y)}` : `${name} hidden`);
  }
  choosePose(name) {
    const entry = this.work?.placed?.poses.find((pose) => pose.name === name);
    if (!entry) return;
    this.put(placeHidden(entry.pose, this.facts.skeleton));
    this.taken = [this.history.now, name];
    this.messages.tell(`Pose: ${words(name)}.`);
  }
  /** The pose of an OpenPose file, or of the person in another photo. */
  async openPose(file) {
    const still = this.newest.watch();
    await this.messages.guard(async () => {
      const { photo } = this.require();
      const isJson = file.type === "application/json" || file.name.toLowerCase().endsWith(".json");
      if (isJson) {
        const pose = await still(this.backend.readPerson(file));
        const own = () => rescale(pose, photo.original, photo.size);
        this.put(this.settled(this.step === "joints" ? own() : await still(this.backend.place(photo, pose))));
      } else {
        await this.messages.busy(LOOKING, () => this.takePoseOf(file, still));
      }
      this.messages.tell("The pose is loaded.");
    });
  }
  /** The joints of whoever is in the box: one of several people, or a person too small to be found in the photo. */
  async findInBox() {
    const still = this.newest.watch();
    await this.messages.guard(
      () => this.messages.busy(LOOKING, async () => {
        const pose = await still(this.backend.findIn(this.require().photo, this.editor.personBox));
        this.put(this.settled(pose));
        this.messages.tell(FOUND);
      })
    );
  }
  async takePoseOf(file, still) {
    if (this.facts.detector === null) {
      throw new Sentence("This page has no model that finds joints: give the OpenPose JSON of that photo instead.");
    }
    const { pose, unsearched } = await still(this.backend.poseOf(file));
    if (!pose) throw new Sentence(`${unsearched ?? "Nobody was found in that photo"}: give another, or its OpenPose JSON.`);
    const placed2 = () => still(this.backend.place(this.require().photo, pose));
    this.put(this.settled(this.step === "joints" ? pose : await placed2()));
  }
  settled(pose) {
    if (!bounds(pose)) throw new Sentence("No joint of that pose is visible: give another file.");
    return placeHidden(pose, this.facts.skeleton);
  }
  // Models, sequences, files -----------------------------------------------------------------------------------------
  chooseModels(names) {
    if (names.length === 0) return;
    [this.chosen, this.picked] = [names, true];
    this.layOut();
    this.refresh(performance.now());
  }
  /** Play a bundled sequence, or with "photo" the way from the photo's pose to the present one and back. */
  play(name) {
    const again = this.playing === name;
    this.halt();
    if (again || !this.work || this.step !== "pose") return;
    const { frames, seconds } = this.sequence(name);
    this.playing = this.motion = name;
    this.player.play(frames, seconds);
    this.changed();
  }
  /** The poses of a motion of `play`. */
  sequence(name) {
    const { placed: placed2, source, target } = this.require();
    const found = placed2?.sequences.find((sequence) => sequence.name === name);
    if (found) return { ...found, frames: found.frames.map((pose) => placeHidden(pose, this.facts.skeleton)) };
    return thereAndBack(source.now, target.now);
  }
  /** Stop playing and go back to the pose from before. */
  stop() {
    if (!this.player.playing) return;
    this.halt();
    this.refresh(performance.now());
  }
  halt() {
    if (!this.player.playing) return;
    this.player.stop();
    this.playing = null;
    this.changed();
  }
  async downloadPicture() {
    await this.messages.guard(async () => {
      const { photo, target } = this.require();
      const pose = target.now;
      for (const model of this.chosen) {
        save(await this.backend.download(photo, model, pose), this.fileName([this.poseName, model], "png"));
      }
    });
  }
  async downloadPose() {
    await this.messages.guard(async () => {
      save(await this.backend.openPose(this.require().photo, this.history.now), this.fileName([this.poseName], "json"));
    });
  }
  /** A motion of `play` as an animated GIF. */
  film(name, model) {
    return this.backend.film(this.require().photo, model, this.sequence(name));
  }
  /** The name of a file of the photo's person; parts: what it shows, by which model. */
  fileName(parts, ending) {
    return fileName([this.work?.photo.name ?? "person", ...parts], ending);
  }
  /** The name of the pose, if it is as the library has it. */
  get poseName() {
    return this.taken?.[0] === this.history.now ? this.taken[1] : "pose";
  }
  require() {
    if (!this.work) throw new Sentence("Choose a photo first.");
    return this.work;
  }
};

// src/placing.ts
function placeIn(box, poses, source, rules) {
  const placed2 = placeOn(poses, source, rules);
  const seen = placed2.flat().filter((joint) => joint.visible);
  if (seen.length === 0) return placed2;
  const [xs, ys] = [seen.map((joint) => joint.x), seen.map((joint) => joint.y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const edge = rules.edge * box.height;
  const first = { x: box.left + edge, y: box.top + edge };
  const last = { x: box.left + box.width - 1 - edge, y: box.top + box.height - 1 - edge };
  const scale = Math.min(1, (last.x - first.x) / Math.max(right - left, 1), (last.y - first.y) / Math.max(bottom - top, 1));
  const foot = { x: (left + right) / 2, y: bottom };
  const move2 = (from, low, high, start2, end) => {
    const [a, b] = [from + (low - from) * scale, from + (high - from) * scale];
    return Math.max(start2 - a, 0) - Math.max(b - end, 0);
  };
  const [dx, dy] = [move2(foot.x, left, right, first.x, last.x), move2(foot.y, top, bottom, first.y, last.y)];
  const moved = (joint) => ({
    x: foot.x + (joint.x - foot.x) * scale + dx,
    y: foot.y + (joint.y - foot.y) * scale + dy,
    visible: joint.visible
  });
  return placed2.map((pose) => pose.map((joint) => joint.visible ? moved(joint) : joint));
}
function placeOn(poses, source, rules) {
  const own = estimateBuild(poses, rules);
  const wanted = estimateBuild([source], rules);
  const known = own.height > 0 && wanted.height > 0;
  const scale = known ? wanted.height / own.height : 1;
  const scaled = poses.map((pose) => {
    const made = known ? retarget(pose, own, wanted, rules) : pose;
    return made.map((joint) => ({ ...joint, x: joint.x * scale, y: joint.y * scale }));
  });
  const dx = gap(scaled, source, [rules.hips, rules.neck], "x", rules);
  const dy = gap(scaled, source, [rules.ankles, rules.hips, rules.neck], "y", rules);
  const there = scaled.map(
    (pose) => pose.map((joint) => joint.visible ? { ...joint, x: joint.x + dx, y: joint.y + dy } : joint)
  );
  return belowTheTop(there, source, rules.crown * wanted.height, rules);
}
function belowTheTop(poses, source, crown, rules) {
  const [foot] = shown(source, rules.ankles).sort((a, b) => b.y - a.y);
  const faces = [source, ...poses].map((pose) => Math.min(...shown(pose, rules.face).map((joint) => joint.y)));
  const [own, face] = [faces[0], Math.min(...faces.slice(1))];
  if (!foot || !Number.isFinite(own) || !Number.isFinite(face)) return [...poses];
  const highest = Math.max(Math.min(own, crown), 0);
  const fits = (foot.y - highest) / Math.max(foot.y - face, 1);
  const factor = Math.min(Math.max(fits, rules.smallest), 1);
  const near = ({ x, y, visible }) => ({ x: foot.x + (x - foot.x) * factor, y: foot.y + (y - foot.y) * factor, visible });
  return poses.map((pose) => pose.map((joint) => joint.visible ? near(joint) : joint));
}
function shown(pose, joints) {
  return joints.map((joint) => pose[joint]).filter((joint) => joint.visible);
}
function gap(moving, fixed, anchors, axis, rules) {
  for (const joints of [...anchors, fixed.map((_, joint) => joint)]) {
    const [goal, start2] = [[fixed], moving].map((poses) => {
      const places = poses.map((pose) => shown(pose, joints).map((joint) => joint[axis])).filter(({ length }) => length > 0);
      if (places.length === 0) return null;
      const lowest = places.map((values2) => Math.max(...values2)).sort((a, b) => a - b);
      const values = places.flat();
      return joints === rules.ankles ? lowest[lowest.length - 1 >> 1] : total(values) / values.length;
    });
    if (goal != null && start2 != null) return goal - start2;
  }
  return 0;
}
function estimateBuild(poses, rules) {
  const found = poses.map((pose) => deviations(pose, rules)).filter(({ scale: scale2 }) => scale2 > 0);
  const mean = (values) => total(values) / Math.max(values.length, 1);
  const scale = mean(found.map((one) => one.scale));
  const lengths = rules.share.map((share, limb) => scale * share * Math.exp(mean(found.map((one) => one.own[limb]))));
  return { lengths, height: total(rules.upright.map((limb) => lengths[limb])) };
}
function deviations(pose, rules) {
  const seen = seenLengths(pose, rules);
  const all = seen.map((_, limb) => limb).filter((limb) => seen[limb] > 0);
  const standing = all.filter((limb) => rules.upright.includes(limb));
  const counted = standing.length > 0 ? standing : all;
  const share = total(counted.map((limb) => rules.share[limb]));
  const scale = total(counted.map((limb) => seen[limb])) / Math.max(share, 1e-6);
  const own = seen.map((length, limb) => {
    if (!(length > 0)) return 0;
    const surprise = Math.log(Math.max(length / Math.max(scale * rules.share[limb], 1e-6), 1e-6));
    const [spread, noise] = [rules.spread[limb] ** 2, rules.noise[limb] ** 2];
    const mean = -surprise - (spread + noise) / rules.foreshortening[limb];
    const deviation = Math.sqrt(spread + noise);
    return spread / (spread + noise) * (surprise + mean + deviation * mills(mean / deviation));
  });
  return { scale, own };
}
function mills(z) {
  return Math.sqrt(2 / Math.PI) / erfcx(-z / Math.SQRT2);
}
function erfcx(x) {
  if (x < 0) return 2 * Math.exp(x * x) - erfcx(-x);
  if (x < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n += 1) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return Math.exp(x * x) * (1 - 2 / Math.sqrt(Math.PI) * sum);
  }
  let fraction = x;
  for (let n = 60; n > 0; n -= 1) fraction = x + n / 2 / fraction;
  return 1 / (Math.sqrt(Math.PI) * fraction);
}
function seenLengths(pose, rules) {
  const [hips, face, neck] = [middle(pose, rules.hips), middle(pose, rules.face), middle(pose, rules.neck)];
  const between2 = (a, b) => a.seen && b.seen ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  const limbs = rules.pairs.map(
    (sides) => Math.max(...sides.map(([a, b]) => between2(middle(pose, [a]), middle(pose, [b]))))
  );
  return [between2(neck, hips), between2(face, neck), ...limbs];
}
function middle(pose, joints) {
  const there = joints.map((joint) => pose[joint]).filter((joint) => joint.visible);
  const count = Math.max(there.length, 1);
  const [x, y] = [total(there.map((joint) => joint.x)) / count, total(there.map((joint) => joint.y)) / count];
  return { x, y, seen: there.length > 0 };
}
function retarget(pose, own, wanted, rules) {
  const ratio = wanted.lengths.map((length, limb) => length / own.lengths[limb] * own.height / wanted.height);
  const old = [...pose.map(({ x, y, visible }) => ({ x, y, seen: visible })), middle(pose, rules.hips)];
  const made = [...old];
  for (const [joint, anchors, limb] of rules.tree) {
    const factor = limb === null ? 1 : ratio[limb];
    const anchor = anchors.find((candidate) => old[candidate].seen);
    if (anchor === void 0) continue;
    const [from, to, at] = [old[anchor], old[joint], made[anchor]];
    made[joint] = { x: at.x + factor * (to.x - from.x), y: at.y + factor * (to.y - from.y), seen: to.seen };
  }
  return pose.map((joint, index) => ({ x: made[index].x, y: made[index].y, visible: joint.visible }));
}
function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

// src/crop.ts
function inside(pose, { width, height }) {
  const within = (value, size) => value > -0.5 && value < size - 0.5;
  return pose.map((joint) => ({ ...joint, visible: joint.visible && within(joint.x, width) && within(joint.y, height) }));
}
function personBox(pose, photo, size, skeleton, margin) {
  if (photo.width === size.width && photo.height === size.height) return { left: 0, top: 0, ...size };
  const joints = bounds(pose);
  if (!joints) return null;
  const free = margin * Math.max(torsoLength(pose, skeleton), 0.3 * Math.max(joints.width, joints.height));
  const [width, height] = [joints.width + 1 + 2 * free, joints.height + 1 + 2 * free];
  const high = Math.max(height, width * (size.height / size.width));
  const extent = [high * (size.width / size.height), high].map((length) => Math.max(roundEven(length), 1));
  const along = (low, length, wanted, frame) => {
    const corner = roundEven((low + low + length + 1 - wanted) / 2);
    return wanted <= frame ? Math.min(Math.max(corner, 0), frame - wanted) : corner;
  };
  return {
    left: along(joints.left, joints.width, extent[0], photo.width),
    top: along(joints.top, joints.height, extent[1], photo.height),
    width: extent[0],
    height: extent[1]
  };
}
function torsoLength(pose, skeleton) {
  const [a, b, c, d] = skeleton.torso.map((joint) => pose[joint]);
  if (![a, b, c, d].every((joint) => joint.visible)) return 0;
  return Math.hypot((a.x + b.x - c.x - d.x) / 2, (a.y + b.y - c.y - d.y) / 2);
}
function touched(box, photo) {
  const [left, top] = [box.left, box.top].map((value) => Math.max(Math.floor(value), 0));
  const right = Math.min(Math.ceil(box.left + box.width), photo.width);
  const bottom = Math.min(Math.ceil(box.top + box.height), photo.height);
  return { left, top, width: right - left, height: bottom - top };
}
function toFrame(pose, box, size) {
  return pose.map((joint) => ({
    ...joint,
    x: (joint.x - box.left + 0.5) * size.width / box.width - 0.5,
    y: (joint.y - box.top + 0.5) * size.height / box.height - 0.5
  }));
}
function cut(photo, box, size) {
  return Float32Array.from(shrink(photo, box, size), (value) => value * 2 / 255 - 1);
}
function shrink(photo, box, size) {
  const made = new Uint8ClampedArray(3 * size.height * size.width);
  const [columns, rows] = [weights(box.width, size.width), weights(box.height, size.height)];
  for (let channel = 0; channel < 3; channel += 1) {
    const plane = planeOf(photo, box, channel);
    const narrow = resizeRows(plane, box.width, box.height, columns);
    const small = transpose(resizeRows(transpose(narrow, box.height), box.height, size.width, rows), size.width);
    made.set(small, channel * size.height * size.width);
  }
  return made;
}
function planeOf(photo, box, channel) {
  const { width, height, data } = photo;
  const plane = new Float32Array(box.width * box.height).fill(edgeColour(photo, channel));
  for (let y = Math.max(box.top, 0); y < Math.min(box.top + box.height, height); y += 1) {
    for (let x = Math.max(box.left, 0); x < Math.min(box.left + box.width, width); x += 1) {
      plane[(y - box.top) * box.width + x - box.left] = data[4 * (y * width + x) + channel];
    }
  }
  return plane;
}
function edgeColour({ width, height, data }, channel) {
  const at = (x, y) => data[4 * (y * width + x) + channel];
  const edge = [];
  for (let x = 0; x < width; x += 1) edge.push(at(x, 0), at(x, height - 1));
  for (let y = 0; y < height; y += 1) edge.push(at(0, y), at(width - 1, y));
  edge.sort((a, b) => a - b);
  return edge[Math.floor((edge.length - 1) / 2)];
}
function weights(old, wanted) {
  const scale = old / wanted;
  const reach = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, i) => {
    const centre2 = scale * (i + 0.5);
    const first = Math.max(Math.floor(centre2 - reach + 0.5), 0);
    const end = Math.min(Math.floor(centre2 + reach + 0.5), old);
    const taps = Array.from({ length: end - first }, (_2, j) => Math.max(0, 1 - Math.abs((j + first - centre2 + 0.5) / reach)));
    const sum = taps.reduce((a, b) => a + b, 0);
    return { first, weights: taps.map((weight) => weight / sum) };
  });
}
function resizeRows(plane, width, height, taps) {
  const made = new Float32Array(taps.length * height);
  for (let y = 0; y < height; y += 1) {
    taps.forEach(({ first, weights: weights2 }, x) => {
      let sum = 0;
      weights2.forEach((weight, j) => sum += weight * plane[y * width + first + j]);
      made[y * taps.length + x] = sum;
    });
  }
  return made;
}
function transpose(plane, rows) {
  const columns = plane.length / rows;
  const made = new Float32Array(plane.length);
  for (let y = 0; y < rows; y += 1) for (let x = 0; x < columns; x += 1) made[x * rows + y] = plane[y * columns + x];
  return made;
}
function roundEven(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

// src/files.ts
var CERTAIN = 0.05;
function readOpenPose(text, joints, order25) {
  const people = peopleOf(text).map((person) => personOf(person, joints, order25));
  const seen = people.filter((pose) => pose.some((joint) => joint.visible));
  if (seen.length === 0) throw new Sentence("This file holds no person: give a file in which OpenPose found one.");
  if (seen.every((pose) => pose.every(({ x, y, visible }) => !visible || Math.abs(x) <= 1 && Math.abs(y) <= 1))) {
    throw new Sentence("This file holds no pixels but shares of the photo: write it with OpenPose's --keypoint_scale 0.");
  }
  const rank = (pose) => {
    const rows = pose.filter((joint) => joint.visible).map((joint) => joint.y);
    return rows.length * 1e6 + (Math.max(...rows) - Math.min(...rows));
  };
  return seen.reduce((best, pose) => rank(pose) > rank(best) ? pose : best);
}
function peopleOf(text) {
  try {
    const { people } = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (Array.isArray(people)) return people;
  } catch {
  }
  throw new Sentence("This file is no OpenPose JSON file: it should hold an object with a list 'people'.");
}
function personOf(person, joints, order25) {
  const said = typeof person === "object" && person !== null ? person : {};
  const values = said["pose_keypoints_2d"] ?? said["pose_keypoints"];
  const whole = Array.isArray(values) && values.every((value) => typeof value === "number" && Number.isFinite(value));
  if (!whole || values.length !== 3 * joints && values.length !== 75) {
    throw new Sentence("'pose_keypoints_2d' should be 75 (BODY_25) or 54 (COCO) numbers: write the file with OpenPose's --write_json.");
  }
  const numbers = values;
  const order = numbers.length === 75 ? order25 : Array.from({ length: joints }, (_, joint) => joint);
  return order.map((from) => {
    const [x, y, certain] = numbers.slice(3 * from, 3 * from + 3);
    return certain >= CERTAIN ? { x, y, visible: true } : { x: 0, y: 0, visible: false };
  });
}
function writeOpenPose(pose) {
  const numbers = pose.flatMap(({ x, y, visible }) => visible ? [x, y, 1] : [0, 0, 0]);
  return JSON.stringify({ version: 1.1, people: [{ pose_keypoints_2d: numbers }] }) + "\n";
}
var HEADER = 8 + 25;
async function withTexts(png, texts) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const chunks = Object.entries(texts).map(([key, text]) => textChunk(key, text));
  return new Blob([bytes.slice(0, HEADER), ...chunks, bytes.slice(HEADER)], { type: "image/png" });
}
function textChunk(key, text) {
  const body = new TextEncoder().encode(`iTXt${key}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  return chunk;
}
function crc32(bytes) {
  let sum = 4294967295;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum >>> 1 ^ (sum & 1 ? 3988292384 : 0);
  }
  return ~sum >>> 0;
}

// src/painter.ts
var Helper = class {
  worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  last = Promise.resolve();
  /** What it answers to `wanted`, which is looked up when its turn has come. */
  ask(wanted) {
    const answer = this.last.then(() => this.send(wanted()));
    this.last = answer.catch(() => void 0);
    return answer;
  }
  async send(wanted) {
    const answer = await new Promise((resolve) => {
      this.worker.onmessage = (event) => resolve(event.data);
      this.worker.onerror = (event) => resolve({ error: event.message || "the worker did not start" });
      this.worker.postMessage(wanted);
    });
    if ("error" in answer) {
      throw new Sentence(`The model does not run in this browser (${answer.error}): load the page again, or try another.`);
    }
    return answer;
  }
};
var Painter = class {
  worker = new Helper();
  async paint(wanted) {
    const { pixels, milliseconds, size } = await this.worker.ask(wanted);
    return { pixels: new ImageData(pixels, size[1], size[0]), milliseconds };
  }
  async find(wanted) {
    return (await this.worker.ask(() => wanted)).pose;
  }
};
var Filmer = class {
  worker = new Helper();
  async film(wanted) {
    const { file } = await this.worker.ask(() => wanted);
    return new Blob([file], { type: "image/gif" });
  }
};
var Latest = class {
  constructor(paint, events) {
    this.paint = paint;
    this.events = events;
    events.connected(false);
  }
  paint;
  events;
  waiting = null;
  busy = false;
  want(...wish) {
    this.waiting = wish;
    if (!this.busy) void this.work();
  }
  async work() {
    this.busy = true;
    while (this.waiting) {
      const [photo, models, pose, asked] = this.waiting;
      this.waiting = null;
      for (const model of models) {
        try {
          this.events.picture({ model, ...await this.paint(photo, model, pose), asked });
          this.events.connected(true);
        } catch (error) {
          const said = error instanceof Sentence ? error.message : "Something went wrong in the page: load it again.";
          this.events.error(said, model);
        }
      }
    }
    this.busy = false;
  }
};

// src/wire.ts
function toSize([height, width]) {
  return { height, width };
}
function toSkeleton(told) {
  return { ...told, colours: told.colours.map((rgb) => `rgb(${rgb.join(" ")})`) };
}
function toModels(told) {
  return told.map((model) => ({ ...model, size: toSize(model.size) }));
}
function toBoxes(boxes) {
  return new Map(Object.entries(boxes).map(([name, [left, top, width, height]]) => [name, { left, top, width, height }]));
}
function toLibrary({ poses, sequences }) {
  return {
    poses: poses.map(({ name, pose }) => ({ name, pose: fromTriples(pose) })),
    sequences: sequences.map((sequence) => ({ ...sequence, frames: sequence.frames.map(fromTriples) }))
  };
}
function fromTriples(joints) {
  return joints.map(([x, y, visible]) => ({ x, y, visible: visible > 0 }));
}
function toTriples(pose) {
  return pose.map(({ x, y, visible }) => [Math.round(x * 100) / 100, Math.round(y * 100) / 100, visible ? 1 : 0]);
}

// src/browser.ts
var LARGEST = 52e6;
var SMALLEST = { width: 8, height: 16 };
var KEPT2 = 16;
var Browser = class _Browser {
  constructor(told) {
    this.told = told;
    this.all = toModels(told.models);
    const { detector } = told;
    if (detector) this.painter.find({ detector: detector.file, search: null }).catch(() => void 0);
  }
  told;
  inPhoto = null;
  // it is not written for the browser
  kept = /* @__PURE__ */ new Map();
  painter = new Painter();
  filmer = new Filmer();
  all;
  count = 0;
  static async open() {
    const answer = await fetch("page.json").catch(() => null);
    if (!answer?.ok) throw new Sentence("The page's files cannot be read: open it through a web server, not as a file.");
    return new _Browser(await answer.json());
  }
  async skeleton() {
    return toSkeleton(this.told.skeleton);
  }
  async models() {
    return { version: this.told.version, models: this.all, detector: this.told.detector, photos: 1 };
  }
  async library() {
    return { ...toLibrary(this.told.library), size: toSize(this.told.library.size) };
  }
  async libraryFor(photo) {
    const { poses, sequences } = toLibrary(this.told.library);
    const put2 = (given) => this.placed(photo, given);
    return {
      poses: poses.map(({ name, pose }) => ({ name, pose: put2([pose])[0] })),
      sequences: sequences.map((sequence) => ({ ...sequence, frames: put2(sequence.frames) }))
    };
  }
  async examples() {
    return this.told.examples.map(({ picture }) => picture);
  }
  async takeExample(number) {
    const { picture, origin, pose } = this.told.examples[number];
    const answer = await fetch(picture).catch(() => null);
    if (!answer?.ok) throw new Sentence("This person's picture cannot be loaded: load the page again.");
    return this.keep(await answer.blob(), origin, fromTriples(pose));
  }
  async addPhoto(file) {
    return this.keep(file, await sha256(file), null);
  }
  async poseOf(file) {
    const { pixels, picture } = await readPhoto(file, this.told.side);
    URL.revokeObjectURL(picture);
    return this.look(pixels);
  }
  async addOther() {
    throw new Sentence("This page takes one photo of a person only.");
  }
  async keep(file, origin, pose) {
    const { pixels, original, picture } = await readPhoto(file, this.told.side);
    const found = pose ? { pose } : await this.look(pixels);
    this.count += 1;
    const id = String(this.count);
    const drawn = pose !== null;
    this.kept.set(id, { pixels, origin, picture, drawn, source: found.pose, key: id, cuts: /* @__PURE__ */ new Map() });
    const alike = [...this.kept].filter(([, one]) => one.drawn === drawn);
    for (const [old, { picture: address }] of alike.slice(0, -KEPT2)) {
      URL.revokeObjectURL(address);
      this.kept.delete(old);
    }
    const size = { width: pixels.width, height: pixels.height };
    return { id, picture, size, original, ...found, boxes: found.pose && this.boxes(found.pose, size), others: [] };
  }
  /** The person of a photo, or of a part of it, in the photo's pixels. */
  async look(photo, part) {
    const { detector } = this.told;
    const box = part ?? { left: 0, top: 0, width: photo.width, height: photo.height };
    if (!detector || box.width > detector.search.widest * box.height) return { pose: null };
    const { file, search: rules } = detector;
    const small = { width: Math.max(1, roundEven(box.width * (rules.height / box.height))), height: rules.height };
    const { buffer } = shrink(photo, box, small);
    const search = { photo: new Uint8Array(buffer), size: [small.height, small.width], rules };
    try {
      const pose = await this.painter.find({ detector: file, search });
      const seen = pose && fromFrame(inside(pose, small), small, box);
      return { pose: seen?.some(({ visible }) => visible) ? seen : null };
    } catch (error) {
      console.error(error);
      return { pose: null, unsearched: "The model that finds joints does not run in this browser" };
    }
  }
  async findIn(photo, box) {
    const { pixels } = this.get(photo);
    const part = touched(box, photo.size);
    if (part.width < SMALLEST.width || part.height < SMALLEST.height) {
      throw new Sentence("That box is too small to show a person, or outside the photo: draw it around one whole person.");
    }
    const { pose, unsearched } = await this.look(pixels, part);
    if (pose) return pose;
    if (unsearched) throw new Sentence(`${unsearched}: place the joints by hand.`);
    throw new Sentence("Nobody was found in the box: draw it around one whole person, or place the joints by hand.");
  }
  async setJoints(photo, pose) {
    const kept = this.get(photo);
    const source = inside(pose, photo.size);
    if (!source.some((joint) => joint.visible)) {
      throw new Sentence("No joint lies in the photo: place the joints on the person first.");
    }
    this.count += 1;
    [kept.source, kept.key] = [source, `${photo.id}/${this.count}`];
    kept.cuts.clear();
    return this.boxes(source, photo.size);
  }
  async readPerson(file) {
    return readOpenPose(await file.text(), this.told.skeleton.joints.length, this.told.body25);
  }
  async place(photo, pose) {
    return this.placed(photo, [pose])[0];
  }
  async download(photo, model, pose) {
    const { pixels } = await this.painter.paint(() => this.wanted(photo, model, pose));
    const canvas = new OffscreenCanvas(pixels.width, pixels.height);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const png = await canvas.convertToBlob({ type: "image/png" });
    return withTexts(png, this.said(photo, model));
  }
  async film(photo, model, { frames, seconds }) {
    const said = this.said(photo, model);
    const wishes = frames.map((pose) => this.wanted(photo, model, pose));
    const made = [];
    for (const wish of wishes) made.push((await this.painter.paint(() => wish)).pixels.data);
    const [poses, { size }] = [wishes.map(({ target }) => target), wishes[0]];
    return this.filmer.film({ frames: made, poses, size, seconds: seconds / frames.length, matte: this.told.matte, said });
  }
  async openPose(photo, pose) {
    return new Blob([writeOpenPose(rescale(pose, photo.size, photo.original))], { type: "application/json" });
  }
  async judge() {
    return [];
  }
  renderer(events) {
    return new Latest((...wish) => this.painter.paint(() => this.wanted(...wish)), events);
  }
  get(photo) {
    const found = this.kept.get(photo.id);
    if (!found) throw new Sentence("This photo is no longer here: drop it again.");
    this.kept.delete(photo.id);
    this.kept.set(photo.id, found);
    return found;
  }
  /** What a picture says of itself. */
  said(photo, model) {
    return { ...this.told.models.find(({ name }) => name === model).said, "posegan:source": this.get(photo).origin };
  }
  boxes(source, photo) {
    return new Map(this.all.map((model) => [model.name, this.box(source, photo, model)]));
  }
  box(source, photo, model) {
    const skeleton = toSkeleton(this.told.skeleton);
    const box = personBox(inside(source, photo), photo, model.size, skeleton, this.told.margin);
    if (!box) throw new Sentence("The joints of this photo are not known yet: place them first.");
    return box;
  }
  placed(photo, poses) {
    const source = this.get(photo).source;
    if (!source) throw new Sentence("The joints of this photo are not known yet: place them first.");
    return placeIn(this.box(source, photo.size, this.all[0]), poses, source, this.told.body);
  }
  wanted(photo, name, pose) {
    const kept = this.get(photo);
    const model = this.all.find((one) => one.name === name);
    if (!kept.source) throw new Sentence("The joints of this photo are not known yet: place them first.");
    const box = this.box(kept.source, photo.size, model);
    const joints = (given) => toJoints(inside(toFrame(given, box, model.size), model.size));
    const target = joints(pose);
    if (!target.visible.some((seen2) => seen2 > 0)) {
      throw new Sentence("No joint of this pose lies in the picture: move the person back into it.");
    }
    const size = [model.size.height, model.size.width];
    const seen = kept.cuts.get(name) ?? { photo: cut(kept.pixels, box, model.size), source: joints(inside(kept.source, photo.size)) };
    kept.cuts.set(name, seen);
    return { model: name, size, key: kept.key, ...seen, target };
  }
};
function toJoints(pose) {
  const xy = new Float32Array(pose.flatMap(({ x, y, visible }) => visible ? [x, y] : [0, 0]));
  return { xy, visible: new Uint8Array(pose.map(({ visible }) => Number(visible))) };
}
async function readPhoto(file, side) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Sentence("This is no photo that the browser reads: save it as JPEG, PNG or WebP first.");
  });
  const original = { width: bitmap.width, height: bitmap.height };
  if (original.width * original.height > LARGEST) {
    throw new Sentence(`This photo has ${original.width} x ${original.height} pixels; at most ${LARGEST / 1e6} million are taken: make it smaller.`);
  }
  const scale = Math.min(1, side / Math.max(original.width, original.height));
  const [width, height] = [Math.max(1, Math.round(original.width * scale)), Math.max(1, Math.round(original.height * scale))];
  if (width < SMALLEST.width || height < SMALLEST.height) {
    throw new Sentence(
      `This picture of ${original.width} x ${original.height} pixels is too small or too narrow to show a person: give one of at least ${SMALLEST.width} x ${SMALLEST.height} pixels, cut to the person.`
    );
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const picture = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  return { pixels: context.getImageData(0, 0, width, height), original, picture };
}
async function sha256(file) {
  if (!globalThis.crypto?.subtle) return "unknown";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// src/film.ts
function title(motion) {
  return motion === "photo" ? "Photo to pose" : words(motion);
}
var Film = class {
  constructor(app) {
    this.app = app;
    this.show();
  }
  app;
  button = button("download-gif", () => this.make());
  note = byId("gif-note", HTMLElement);
  making = null;
  // what is told of it
  /** What was told of the one that was saved, and what the page showed then: with anything else it is no news. */
  saved = null;
  /** Bring the button and its line up to date. */
  show() {
    const about = this.about();
    this.button.disabled = about === null && this.making === null;
    this.button.setAttribute("aria-disabled", String(this.making !== null));
    this.note.classList.toggle("working", this.making !== null);
    if (this.saved?.about !== about || this.saved.pose !== this.app.history.now) this.saved = null;
    if (this.making !== null) this.say(`Making the GIF: ${this.making} …`);
    else if (about === null) this.say("Play one, then it can be saved as a GIF.");
    else this.say(this.saved === null ? `${about}.` : `Saved: ${this.saved.told}.`);
  }
  about() {
    const { motion, chosen, others, facts } = this.app;
    if (motion === null) return null;
    const model = `by ${chosen[0]}${chosen.length > 1 ? ", the first of the chosen models" : ""}`;
    const from = others.length > 0 ? `, from ${others.length + 1} photos` : "";
    const { frames, seconds } = this.app.sequence(motion);
    const size = measures(facts.models.find(({ name }) => name === chosen[0]).size);
    return `${title(motion)}, ${model}${from}: ${frames.length} frames in ${seconds.toFixed(1)} s, ${size}`;
  }
  /** Say it once: it is read out. */
  say(sentence) {
    if (this.note.textContent !== sentence) this.note.textContent = sentence;
  }
  async make() {
    const { motion, chosen, messages } = this.app;
    const about = this.about();
    if (motion === null || this.making !== null) return;
    this.making = about;
    this.show();
    await messages.guard(async () => {
      const name = this.app.fileName([motion === "photo" ? `photo-to-${this.app.poseName}` : motion, chosen[0]], "gif");
      const file = await this.app.film(motion, chosen[0]);
      save(file, name);
      this.saved = { told: `${about}, ${Math.ceil(file.size / 1e3)} kB`, about: this.about(), pose: this.app.history.now };
    });
    this.making = null;
    this.show();
  }
};

// src/library.ts
var MARGIN = 5;
function bones(pose, skeleton) {
  return skeleton.edges.flatMap(([start2, end], index) => {
    const [a, b] = [pose[start2], pose[end]];
    if (!a.visible || !b.visible) return [];
    return [makeSvg("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, stroke: skeleton.colours[index] })];
  });
}
function drawing(pose, skeleton, size) {
  const box = bounds(pose) ?? { left: 0, top: 0, ...size };
  const [left, top, width, height] = [box.left - MARGIN, box.top - MARGIN, box.width + 2 * MARGIN, box.height + 2 * MARGIN];
  const view = { viewBox: `${left} ${top} ${width} ${height}`, "aria-hidden": "true" };
  return makeSvg("svg", { class: "drawing", "stroke-width": height / 28, ...view }, ...bones(pose, skeleton));
}
function photoPicture(photo, facts, label) {
  const view = photo.boxes?.get(facts.models[0].name) ?? { left: 0, top: 0, ...photo.size };
  const part = `${view.left - 0.5} ${view.top - 0.5} ${view.width} ${view.height}`;
  return makeSvg(
    "svg",
    { class: "photo-picture", viewBox: part, role: "img", "aria-label": label, "stroke-width": view.height / 60 },
    makeSvg("image", { href: photo.picture, x: -0.5, y: -0.5, ...photo.size }),
    ...photo.pose ? bones(photo.pose, facts.skeleton) : []
  );
}
function poseButton(name, picture, chosen) {
  const element = make("button", { type: "button", class: "thumb", "data-pose": name }, picture, make("span", {}, words(name)));
  element.addEventListener("click", chosen);
  return element;
}
function exampleButton(address, number, chosen) {
  const picture = make("img", { src: address, alt: "", loading: "lazy" });
  const label = `Synthetic person ${number + 1}`;
  const element = make("button", { type: "button", class: "thumb person", "aria-label": label, title: label }, picture);
  element.addEventListener("click", chosen);
  return element;
}

// src/others.ts
var Others = class {
  constructor(app) {
    this.app = app;
    this.show();
  }
  app;
  section = byId("others", HTMLElement);
  // files that are dropped on it are added
  list = byId("other-photos", HTMLElement);
  input = byId("other-file", HTMLInputElement);
  shown = [];
  /** Bring the list up to date. */
  show() {
    const { others, takesOthers, facts } = this.app;
    this.section.hidden = !takesOthers;
    this.section.classList.toggle("full", others.length + 1 >= facts.photos);
    if (others === this.shown) return;
    this.shown = others;
    this.list.replaceChildren(...others.map((photo, index) => this.item(photo, index)));
  }
  item(photo, index) {
    const name = `photo ${index + 2}`;
    const first = make("button", { type: "button", "aria-label": `Put ${name} first` }, "Put first");
    first.addEventListener("click", () => void this.app.putFirst(photo).then(() => this.focus(index, "first")));
    const mend = make("button", { type: "button", "aria-label": `Mend the joints of ${name}` }, "Joints");
    mend.addEventListener("click", () => void this.app.mendOther(photo));
    const remove = make("button", { type: "button", "aria-label": `Remove ${name}` }, "Remove");
    remove.addEventListener("click", () => {
      this.app.removeOther(index);
      this.focus(index, "last");
    });
    const picture = photoPicture(photo, this.app.facts, `P${name.slice(1)} of this person`);
    return make("li", {}, picture, first, mend, remove);
  }
  /** Put the focus on a button of the photo that has a place in the list now, or of the last one. */
  focus(index, button2) {
    const buttons = this.list.querySelectorAll(`button:${button2}-of-type`);
    (buttons[Math.min(index, buttons.length - 1)] ?? this.input).focus();
  }
};

// src/http.ts
var MISSING = 404;
var Missing = class extends Sentence {
};
async function call(path, init) {
  let answer;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (init?.signal?.aborted) throw error;
    throw new Sentence("posegan does not answer: see whether `posegan serve` still runs.");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const sentence = told.error ?? `posegan answered with the status ${answer.status}.`;
  throw answer.status === MISSING ? new Missing(sentence) : new Sentence(sentence);
}
async function getJson(path) {
  return await (await call(path)).json();
}
function sendAny(method, path, body, signal) {
  return call(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal: signal ?? null });
}
async function sendJson(method, path, body) {
  return await (await sendAny(method, path, body)).json();
}

// src/keeper.ts
var Keeper = class {
  kept = /* @__PURE__ */ new Map();
  // by Photo.id, which stays
  /** Remember how a photo can be given again. */
  keep(id, again) {
    this.kept.set(id, { name: id, joints: null, coming: null, again });
  }
  /** By which name the server knows a photo. */
  name(photo) {
    return this.kept.get(photo.id)?.name ?? photo.id;
  }
  /** The photos of a person, as a request names them. */
  person(photo) {
    return { photo: this.name(photo), others: photo.others.map((other) => this.name(other)) };
  }
  /** Place the joints of a photo; returns which parts of it the models see. */
  async setJoints(photo, pose) {
    const boxes = await this.ask(photo, () => put(this.name(photo), pose));
    const kept = this.kept.get(photo.id);
    if (kept) kept.joints = pose;
    return boxes;
  }
  /** Ask for something of a photo's person; where the server lacks a photo, give it again and ask once more. */
  async ask(photo, question) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
    }
    await this.restore(photo);
    return question();
  }
  /** Give the server what it lacks of a person's photos. */
  async restore(photo) {
    for (const { id } of [photo, ...photo.others]) {
      const kept = this.kept.get(id);
      if (kept) await (kept.coming ??= bring(kept).finally(() => kept.coming = null));
    }
  }
};
async function bring(kept) {
  if (await isThere(kept.name)) return;
  const { photo } = await kept.again();
  if (kept.joints) await put(photo, kept.joints);
  kept.name = photo;
}
async function isThere(name) {
  return call(`/api/photo/${name}`).then(
    () => true,
    (error) => {
      if (error instanceof Missing) return false;
      throw error;
    }
  );
}
async function put(name, pose) {
  return (await sendJson("PUT", `/api/photo/${name}/pose`, { pose: toTriples(pose) })).boxes;
}

// src/live.ts
var LiveSocket = class {
  constructor(events, keeper) {
    this.events = events;
    this.keeper = keeper;
    this.open();
  }
  events;
  keeper;
  socket = null;
  newest = null;
  number = 0;
  first = 0;
  // number of the first wish for the newest photo: pictures of earlier ones come too late
  tried = null;
  // was given to the server again since the last picture
  asked = /* @__PURE__ */ new Map();
  restoring = false;
  pause = 500;
  want(photo, models, pose, asked) {
    this.number += 1;
    this.asked.set(this.number, asked);
    if (photo.id !== this.newest?.photo.id) this.first = this.number;
    this.newest = { photo, models, pose };
    this.send();
  }
  send() {
    if (this.newest === null || this.socket?.readyState !== WebSocket.OPEN) return;
    const { photo, models, pose } = this.newest;
    this.socket.send(JSON.stringify({ number: this.number, ...this.keeper.person(photo), models, pose: toTriples(pose) }));
  }
  open() {
    const socket = new WebSocket(new URL("/api/live", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = 500;
      this.tried = null;
      this.events.connected(true);
      this.send();
    };
    socket.onmessage = (event) => this.read(event.data);
    socket.onclose = (event) => {
      this.events.connected(false);
      if (event.reason) this.events.error(event.reason);
      window.setTimeout(() => this.open(), this.pause);
      this.pause = Math.min(2 * this.pause, 5e3);
    };
    this.socket = socket;
  }
  read(data) {
    if (typeof data === "string") {
      this.fail(JSON.parse(data));
      return;
    }
    const length = new DataView(data).getUint32(0);
    const head = new TextDecoder().decode(new Uint8Array(data, 4, length));
    const { number, model, size, milliseconds } = JSON.parse(head);
    const pixels = new ImageData(new Uint8ClampedArray(data, 4 + length), size[1], size[0]);
    const asked = this.asked.get(number) ?? performance.now();
    for (const old of this.asked.keys()) if (old < number) this.asked.delete(old);
    this.tried = null;
    if (number >= this.first) this.events.picture({ model, pixels, milliseconds, asked });
  }
  /** Show why there is no picture, unless the server lacks the photo and has not been given it again yet. */
  fail({ error, status, model }) {
    const photo = this.newest?.photo;
    if (status !== MISSING || !photo || this.tried === photo && !this.restoring) this.events.error(error, model);
    else if (!this.restoring) void this.restore(photo);
  }
  async restore(photo) {
    [this.tried, this.restoring] = [photo, true];
    try {
      await this.keeper.restore(photo);
    } catch (error) {
      if (error instanceof Sentence) this.events.error(error.message);
    }
    this.restoring = false;
    this.send();
  }
};

// src/server.ts
var Server = class {
  inPhoto = async (photo, model, pose, signal) => (await this.picture("/api/in-photo", photo, model, pose, signal)).blob();
  keeper = new Keeper();
  async skeleton() {
    return toSkeleton(await getJson("/api/skeleton"));
  }
  async models() {
    const told = await getJson("/api/models");
    const detector = told.detector === null ? null : { name: told.detector, licence: "" };
    return { ...told, models: toModels(told.models), detector };
  }
  async library() {
    const told = await getJson("/api/library");
    return { ...toLibrary(told), size: toSize(told.size) };
  }
  async libraryFor(photo) {
    return toLibrary(await this.keeper.ask(photo, () => getJson(`${this.path(photo)}/library`)));
  }
  async examples() {
    const { count } = await getJson("/api/examples");
    return Array.from({ length: count }, (_, number) => `/api/examples/${number}.png`);
  }
  async takeExample(number) {
    const take = () => sendJson("POST", `/api/examples/${number}`, {});
    const told = await take();
    this.keeper.keep(told.photo, take);
    return toPhoto(told, `/api/examples/${number}.png`);
  }
  async addPhoto(file) {
    return this.brought(file, await upload("/api/photo", file));
  }
  async poseOf(file) {
    const { pose } = await upload("/api/photo", file);
    return { pose: pose && fromTriples(pose) };
  }
  async addOther(photo, file) {
    return this.brought(file, await this.keeper.ask(photo, () => upload(`${this.path(photo)}/others`, file)));
  }
  async findIn(photo, { left, top, width, height }) {
    const asked = { box: [left, top, width, height] };
    const find = () => sendJson("POST", `${this.path(photo)}/find`, asked);
    return fromTriples((await this.keeper.ask(photo, find)).pose);
  }
  async setJoints(photo, pose) {
    return toBoxes(await this.keeper.setJoints(photo, pose));
  }
  async readPerson(file) {
    const answer = await call("/api/person", { method: "POST", body: file });
    return fromTriples((await answer.json()).pose);
  }
  async place(photo, pose) {
    const asked = { pose: toTriples(pose) };
    const place = () => sendJson("POST", `${this.path(photo)}/place`, asked);
    return fromTriples((await this.keeper.ask(photo, place)).pose);
  }
  async download(photo, model, pose) {
    return (await this.picture("/api/download", photo, model, pose)).blob();
  }
  async film(photo, model, { frames, seconds }) {
    const asked = { model, frames: frames.map(toTriples), seconds };
    const film = () => sendAny("POST", "/api/motion", { ...this.keeper.person(photo), ...asked });
    return (await this.keeper.ask(photo, film)).blob();
  }
  async openPose(photo, pose) {
    const write = () => sendAny("POST", "/api/openpose", { photo: this.keeper.name(photo), pose: toTriples(pose) });
    return (await this.keeper.ask(photo, write)).blob();
  }
  async judge(photo, model, pose, signal) {
    const answer = await this.picture("/api/judge", photo, model, pose, signal);
    return (await answer.json()).sentences;
  }
  renderer(events) {
    return new LiveSocket(events, this.keeper);
  }
  path(photo) {
    return `/api/photo/${this.keeper.name(photo)}`;
  }
  /** Ask for a picture, or for something about it. */
  picture(path, photo, model, pose, signal) {
    const asked = { model, pose: toTriples(pose) };
    return this.keeper.ask(photo, () => sendAny("POST", path, { ...this.keeper.person(photo), ...asked }, signal));
  }
  /** A photo that the server has been given; what it shows of it is kept here, where it cannot be forgotten. */
  async brought(file, told) {
    this.keeper.keep(told.photo, () => upload("/api/photo", file));
    const shown2 = await call(`/api/photo/${told.photo}`);
    return toPhoto(told, URL.createObjectURL(await shown2.blob()));
  }
};
async function upload(path, file) {
  return await (await call(path, { method: "POST", body: file })).json();
}
function toPhoto(told, picture) {
  return {
    id: told.photo,
    picture,
    size: toSize(told.size),
    original: toSize(told.original),
    pose: told.pose && fromTriples(told.pose),
    boxes: told.boxes && toBoxes(told.boxes),
    others: [],
    ...told.doubt ? { doubt: told.doubt } : {}
  };
}

// src/yours.ts
var Yours = class {
  constructor(app) {
    this.app = app;
    this.show();
  }
  app;
  section = byId("yours", HTMLElement);
  list = byId("your-photos", HTMLElement);
  shown = [];
  /** Bring the list up to date; where it would lead nowhere it is hidden. */
  show() {
    const { own, person } = this.app;
    this.section.hidden = own.every((one) => one === person);
    if (own.length !== this.shown.length || own.some((one, index) => one !== this.shown[index])) {
      this.list.replaceChildren(...own.map((one, index) => this.item(one, index)));
      this.shown = own;
    }
    [...this.list.children].forEach((item, index) => item.setAttribute("aria-pressed", String(own[index] === person)));
  }
  item(work, index) {
    const label = work.photo.name ?? `Photo ${index + 1}`;
    const picture = photoPicture({ ...work.photo, pose: null }, this.app.facts, label);
    picture.setAttribute("preserveAspectRatio", "xMidYMid slice");
    const item = make("button", { type: "button", class: "thumb own-photo", title: label }, picture);
    item.addEventListener("click", () => this.app.goTo(work));
    return item;
  }
};

// src/main.ts
async function start() {
  const backend = document.documentElement.dataset["backend"] === "browser" ? await Browser.open() : new Server();
  const [skeleton, told, examples] = await Promise.all([backend.skeleton(), backend.models(), backend.examples()]);
  const library = await backend.library();
  const app = new App(backend, { skeleton, library, ...told });
  byId("version", HTMLElement).textContent = told.version;
  document.body.classList.toggle("has-detector", told.detector !== null);
  document.body.classList.toggle("takes-several", told.detector !== null && told.photos > 1);
  showDetector(told.detector);
  byId("examples", HTMLElement).append(
    ...examples.map((address, number) => exampleButton(address, number, () => void app.takeExample(number)))
  );
  byId("poses", HTMLElement).append(
    ...library.poses.map(
      ({ name, pose }) => poseButton(name, drawing(pose, skeleton, library.size), () => app.choosePose(name))
    )
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
function buildSequences(app) {
  const names = [...app.facts.library.sequences.map(({ name }) => name), "photo"];
  byId("sequences", HTMLElement).append(
    ...names.map((name) => {
      const element = make("button", { type: "button", class: "chip", "data-sequence": name, "aria-pressed": "false" }, title(name));
      element.addEventListener("click", () => app.play(name));
      return element;
    })
  );
}
function buildModels(app) {
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
  boxes[0].disabled = boxes.length === 1;
  return () => boxes.forEach((box) => box.checked = app.chosen.includes(box.value));
}
function showDetector(detector) {
  if (!detector?.licence) return;
  const about = make("small", {}, "finds the joints in your photos");
  byId("models", HTMLElement).after(make("p", { id: "detector" }, make("b", {}, detector.name), about, make("small", {}, detector.licence)));
}
function buildJoints(app) {
  const boxes = app.facts.skeleton.joints.map((name, joint) => {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => app.toggle(joint));
    byId("joint-list", HTMLElement).append(make("label", {}, box, words(name)));
    return box;
  });
  return () => boxes.forEach((box, joint) => box.checked = app.history.now[joint]?.visible ?? false);
}
function tieButtons(app) {
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
  limbs.addEventListener("change", () => app.editor.limbs = limbs.checked);
  const skeleton = byId("skeleton", HTMLInputElement);
  const show = () => document.body.classList.toggle("no-skeleton", !skeleton.checked);
  skeleton.addEventListener("change", show);
  show();
}
function tieViews() {
  const share = byId("share", HTMLInputElement);
  const stages = byId("stages", HTMLElement);
  const slide = () => stages.style.setProperty("--share", `${share.value}%`);
  share.addEventListener("input", slide);
  slide();
  const choices = document.querySelectorAll("input[name=view]");
  const choose = () => {
    const view = [...choices].find((choice) => choice.checked).value;
    stages.dataset["view"] = view;
    byId("share-row", HTMLElement).hidden = view === "result";
    byId("share-label", HTMLElement).textContent = view === "compare" ? "Photo on the left" : "Photo over the picture";
  };
  choices.forEach((choice) => choice.addEventListener("change", choose));
  choose();
}
function tieFiles(app, others) {
  const photo = byId("photo-file", HTMLInputElement);
  const other = byId("other-file", HTMLInputElement);
  const pose = byId("pose-file", HTMLInputElement);
  const joints = byId("joints-file", HTMLInputElement);
  const chosen = (input, use) => {
    input.addEventListener("change", () => {
      const files = [...input.files ?? []];
      input.value = "";
      if (files.length > 0) void use(files);
    });
  };
  const isPose = (file) => file.type === "application/json" || file.name.toLowerCase().endsWith(".json");
  const several = document.body.classList.contains("takes-several");
  photo.multiple = several;
  const drop = async ([first, ...more]) => {
    if (first && isPose(first)) await app.openPose(first);
    else if (first) await app.openPhotos(first, several ? more : []);
  };
  chosen(photo, drop);
  chosen(other, (files) => app.addOthers(files));
  chosen(pose, ([file]) => app.openPose(file));
  chosen(joints, ([file]) => app.openPose(file));
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const onFiles = (kind, act) => document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    act(event);
  });
  onFiles("dragenter", () => over(1));
  onFiles("dragleave", () => over(-1));
  onFiles("dragover", () => void 0);
  onFiles("drop", (event) => {
    over(-depth);
    const files = [...event.dataTransfer?.files ?? []];
    const added = event.target instanceof Node && others.contains(event.target);
    void (added ? app.addOthers(files) : drop(files));
  });
  document.addEventListener("paste", (event) => void drop([...event.clipboardData?.files ?? []]));
}
function tieLeaving(app) {
  window.addEventListener("beforeunload", (event) => {
    if (app.own.length > 0) event.preventDefault();
  });
}
function tieKeys(app) {
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
function showState(app) {
  byId("undo", HTMLButtonElement).disabled = !app.history.canUndo;
  byId("redo", HTMLButtonElement).disabled = !app.history.canRedo;
  for (const element of document.querySelectorAll("[data-sequence]")) {
    const on = element.dataset["sequence"] === app.playing;
    element.setAttribute("aria-pressed", String(on));
  }
  const line = byId("selected", HTMLElement);
  const hide = byId("hide", HTMLButtonElement);
  const joint = app.selected === null ? void 0 : app.history.now[app.selected];
  hide.hidden = !joint;
  if (!joint) {
    line.textContent = "No joint is chosen.";
    return;
  }
  const name = words(app.facts.skeleton.joints[app.selected]);
  line.textContent = joint.visible ? `${name}: ${Math.round(joint.x)}, ${Math.round(joint.y)}` : `${name}: hidden`;
  hide.textContent = joint.visible ? "Hide joint" : "Show joint";
}
start().catch((error) => {
  byId("message-text", HTMLElement).textContent = error instanceof Sentence ? error.message : "The page could not be built: load it again.";
  byId("message", HTMLElement).hidden = false;
});
