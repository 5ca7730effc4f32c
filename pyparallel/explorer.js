/* The browser's side of the explorer: it collects gestures and shows pictures. What a gesture
   means is decided in Python (explorer.py). Two messages are on their way at a time: one picture is
   computed while the one before travels. What happens meanwhile is collected for the next message,
   so that no queue builds up. */

const ON_THEIR_WAY = 2;
const PATIENCE = 10000; // milliseconds without an answer after which none is awaited any more
const GRIP = 14; // screen pixels around the mark in which it is dragged
const NARROWEST = 320; // pixels across, where there is room: small pictures are enlarged
const STEP = 24; // pixels that an arrow key moves a picture

/* Add a gesture to those that wait; what would be overtaken is merged. */
function collect(waiting, gesture) {
  const last = waiting.at(-1);
  const same = last && last.do === gesture.do && last.panel === gesture.panel;
  if (same && gesture.do === "drag") {
    last.by = [last.by[0] + gesture.by[0], last.by[1] + gesture.by[1]];
  } else if (same && gesture.do !== "zoom") {
    waiting[waiting.length - 1] = gesture;
  } else {
    waiting.push(gesture);
  }
}

/* Returns tell(gesture) and done(): to be called when an answer is here. */
function messenger(model) {
  let waiting = [];
  let sent = 0; // and not answered
  let patience = null;
  function pump() {
    if (sent >= ON_THEIR_WAY || waiting.length === 0) return;
    sent += 1;
    clearTimeout(patience);
    patience = setTimeout(giveUp, PATIENCE);
    model.send({ gestures: waiting });
    waiting = [];
  }
  function giveUp() {
    sent = 0;
    pump();
  }
  function done() {
    sent = Math.max(0, sent - 1);
    if (sent === 0) clearTimeout(patience);
    pump();
  }
  function tell(gesture) {
    collect(waiting, gesture);
    pump();
  }
  return { tell, done };
}

function element(tag, parent, style = {}, attributes = {}) {
  const made = document.createElement(tag);
  Object.assign(made.style, style);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function makePanel(parent, name, title, size) {
  const figure = element("figure", parent, { margin: "0", flex: "1 1 0", minWidth: "0" });
  const caption = element("figcaption", figure, { font: "inherit", paddingBottom: "4px" });
  caption.textContent = title;
  const frame = element("div", figure, { position: "relative", overflow: "hidden" });
  const canvas = element(
    "canvas",
    frame,
    {
      width: "100%",
      display: "block",
      imageRendering: "pixelated",
      touchAction: "none",
      cursor: "grab",
    },
    { width: size, height: size, tabindex: "0", role: "img", "aria-label": title, class: name },
  );
  return { name, frame, canvas, context: canvas.getContext("2d") };
}

/* The ring that marks c on the Mandelbrot set. */
function makeMark(panel) {
  return element("div", panel.frame, {
    position: "absolute",
    width: "14px",
    height: "14px",
    border: "2px solid white",
    outline: "1px solid black",
    borderRadius: "50%",
    transform: "translate(-50%, -50%)",
    pointerEvents: "none",
  });
}

function makeControls(parent, palettes, tell) {
  const row = element("div", parent, {
    display: "flex",
    flexWrap: "wrap",
    gap: "6px 18px",
    alignItems: "center",
    paddingTop: "6px",
  });
  const labelled = (text) => {
    const label = element("label", row, { display: "flex", gap: "6px", alignItems: "center" });
    label.append(text);
    return label;
  };
  const sliderLabel = labelled("iterations");
  const slider = element("input", sliderLabel, {}, { type: "range", min: 4, max: 14, step: 0.25 });
  const shown = element("output", sliderLabel, { minWidth: "4em" });
  const choice = element("select", labelled("colours"));
  for (const name of palettes) element("option", choice).textContent = name;
  const home = element("button", row, {}, { type: "button" });
  home.textContent = "home";
  slider.addEventListener("input", () =>
    tell({ do: "iterations", value: Math.round(2 ** Number(slider.value)) }),
  );
  choice.addEventListener("change", () => tell({ do: "colors", value: choice.value }));
  home.addEventListener("click", () => tell({ do: "home" }));
  const status = element("div", parent, { paddingTop: "4px" }, { "aria-live": "off" });
  return { slider, shown, choice, status };
}

/* Where an event is, in pixels of the picture; a whole number is the middle of a pixel. */
function place(panel, event) {
  const rectangle = panel.canvas.getBoundingClientRect();
  const zoom = panel.canvas.width / rectangle.width;
  const distances = [event.clientX - rectangle.left, event.clientY - rectangle.top];
  return distances.map((distance) => distance * zoom - 0.5);
}

function near(a, b, limit) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]) <= limit;
}

/* Dragging moves the picture, or the mark; a click sets the mark. */
function listenToPointer(panel, state, tell) {
  const { canvas, name } = panel;
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    const at = place(panel, event);
    const grip = (GRIP * canvas.width) / canvas.getBoundingClientRect().width;
    const marks = name === "mandelbrot" && (event.shiftKey || near(at, state.mark, grip));
    drag = { at, marks, moved: false };
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    if (marks) tell({ do: "pick", at });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const at = place(panel, event);
    if (!drag.moved && near(at, drag.at, 3)) return; // a hand is never quite still
    drag.moved = true;
    if (drag.marks) tell({ do: "pick", at });
    else tell({ do: "drag", panel: name, by: [at[0] - drag.at[0], at[1] - drag.at[1]] });
    drag.at = at;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved && !drag.marks && name === "mandelbrot")
      tell({ do: "pick", at: place(panel, event) });
    drag = null;
  });
  canvas.addEventListener("pointercancel", () => (drag = null));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : 1);
      const factor = 2 ** (-Math.max(-400, Math.min(400, pixels)) / 400);
      tell({ do: "zoom", panel: name, at: place(panel, event), factor });
    },
    { passive: false },
  );
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function listenToKeys(panel, state, palettes, tell) {
  const { canvas, name } = panel;
  const middle = [canvas.width / 2, canvas.height / 2];
  const zoom = (factor) => tell({ do: "zoom", panel: name, at: middle, factor });
  const iterations = (factor) => {
    const value = Math.max(16, Math.min(16384, Math.round(state.max_iter * factor)));
    tell({ do: "iterations", value });
  };
  const keys = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    "[": () => iterations(0.5),
    "]": () => iterations(2),
    c: () => {
      const next = (palettes.indexOf(state.colors) + 1) % palettes.length;
      tell({ do: "colors", value: palettes[next] });
    },
    h: () => tell({ do: "home" }),
  };
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow && event.shiftKey) {
      const at = [state.mark[0] + 2 * arrow[0], state.mark[1] + 2 * arrow[1]];
      tell({ do: "pick", at });
    } else if (arrow) {
      tell({ do: "drag", panel: name, by: [-STEP * arrow[0], -STEP * arrow[1]] });
    } else if (keys[event.key]) {
      keys[event.key]();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}

function draw(panel, buffer, size) {
  const bytes = new Uint8ClampedArray(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  panel.context.putImageData(new ImageData(bytes, size, size), 0, 0);
}

/* "-0.7454 + 0.1130i", with as many digits as the picture shows. */
function pointText([re, im], extent) {
  const digits = Math.max(4, Math.min(16, 3 - Math.floor(Math.log10(extent))));
  return `${re.toFixed(digits)} ${im < 0 ? "-" : "+"} ${Math.abs(im).toFixed(digits)}i`;
}

function showState(state, controls, mark, size) {
  mark.style.left = `${(100 * (state.mark[0] + 0.5)) / size}%`;
  mark.style.top = `${(100 * (state.mark[1] + 0.5)) / size}%`;
  controls.slider.value = Math.log2(state.max_iter);
  controls.shown.textContent = state.max_iter;
  controls.choice.value = state.colors;
}

/* Frames in the last second, from the times at which they came. */
function rate(times) {
  const now = performance.now();
  times.push(now);
  while (times[0] < now - 1000) times.shift();
  return times.length;
}

function render({ model, el }) {
  const size = model.get("size");
  const palettes = model.get("palettes");
  const state = { mark: [0, 0], max_iter: 0, colors: "" };
  const { tell, done } = messenger(model);
  // JupyterLab's shortcuts would take the keys.
  const root = element("div", el, {}, { "data-lm-suppress-shortcuts": "true" });
  root.classList.add("pyparallel-explorer");
  const row = element("div", root, {
    display: "flex",
    gap: "12px",
    alignItems: "flex-end",
    maxWidth: `${2 * Math.max(size, NARROWEST) + 12}px`,
  });
  const panels = {
    mandelbrot: makePanel(row, "mandelbrot", "Mandelbrot set: click for a point c", size),
    julia: makePanel(row, "julia", "Julia set of c", size),
  };
  const mark = makeMark(panels.mandelbrot);
  const controls = makeControls(root, palettes, tell);
  for (const panel of Object.values(panels)) {
    listenToPointer(panel, state, tell);
    listenToKeys(panel, state, palettes, tell);
  }
  const times = [];
  let frames = 0;
  function listen(answer, buffers) {
    Object.assign(state, answer);
    answer.panels.forEach((name, k) => draw(panels[name], buffers[k], size));
    showState(state, controls, mark, size);
    root.dataset.frames = frames += 1; // for whoever counts
    controls.status.textContent =
      answer.error ??
      `c = ${pointText(state.c, state.extent.mandelbrot)}; computed in ` +
        `${(1000 * state.seconds).toFixed(1)} ms; ${rate(times)} frames in the last second`;
    done();
  }
  model.on("msg:custom", listen);
  tell({ do: "show" });
  return () => model.off("msg:custom", listen);
}

export default { render };
