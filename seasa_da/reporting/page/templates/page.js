
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const palettes = JSON.parse(document.body.dataset.palettes);
  const say = (text) => { document.getElementById("status").textContent = text; };

  // Tables: a button in each header; numbers as numbers, and what is missing last either way.
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? String(a).localeCompare(String(b)) : Number(a) - Number(b));
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const name = head.textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => {
        const other = { ascending: "descending", descending: "ascending" };
        const order = other[head.getAttribute("aria-sort")] || head.dataset.first;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const key = (row) => row.cells[column].dataset.sort;
        const rows = [...body.rows];
        const known = rows.filter((row) => key(row) !== undefined);
        const missing = rows.filter((row) => key(row) === undefined);
        known.sort((a, b) => (order === "ascending" ? 1 : -1) * compare(key(a), key(b)));
        body.append(...known, ...missing);
        say(`Sorted by ${name}, ${order}.`);
      });
      head.replaceChildren(button);
    });
  }

  // Viewers.
  const ERRORS = { missed: [86, 180, 233], added: [213, 94, 0], confused: [240, 228, 66] };
  const IGNORED = 255;
  const UNRELIABLE = "rgb(255, 122, 0)";
  const redraws = [];
  const load = (address) => new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      done(context);
    };
    image.onerror = failed;
    image.src = address;
  });
  const near = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

  class Viewer {
    constructor(element) {
      this.element = element;
      const data = element.dataset;
      [this.width, this.height, this.columns] = [data.width, data.height, data.columns].map(Number);
      this.slices = data.slices.split(" ");
      this.panel = element.querySelector(".panel");
      this.canvas = element.querySelector("canvas");
      this.where = element.querySelector(".where");
      this.errors = element.querySelector(".legend.errors");
      this.sheets = {};
      const scale = Math.max(1, Math.round(512 / Math.max(this.width, this.height * data.aspect)));
      this.canvas.width = this.width * scale;
      this.canvas.height = Math.round(this.height * scale * data.aspect);
      this.small = document.createElement("canvas");
      this.small.width = this.width;
      this.small.height = this.height;
      this.controls = {};
      for (const control of element.querySelectorAll("[data-control]")) {
        this.controls[control.dataset.control] = control;
        control.addEventListener("input", () => this.draw());
      }
      for (const button of element.querySelectorAll("[data-step]")) {
        button.addEventListener("click", () => this.step(Number(button.dataset.step)));
      }
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      this.panel.hidden = false;
      redraws.push(() => this.draw());
      this.draw();
    }

    get index() { return Number(this.controls.slice.value); }

    go(index) {
      this.controls.slice.value = Math.min(Math.max(index, 0), this.slices.length - 1);
      this.draw();
    }

    step(by) { this.go(this.index + by); }

    key(event) {
      const last = this.slices.length - 1;
      const to = {
        ArrowRight: this.index + 1, ArrowDown: this.index + 1, ArrowLeft: this.index - 1, ArrowUp: this.index - 1,
        PageDown: this.index + 5, PageUp: this.index - 5, Home: 0, End: last,
      }[event.key];
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.go(to);
    }

    wheel(event) {
      // At either end the page scrolls on.
      const to = this.index + Math.sign(event.deltaY);
      if (event.ctrlKey || to < 0 || to >= this.slices.length) return;
      event.preventDefault();
      this.go(to);
    }

    sheet(name) {
      if (!(name in this.sheets)) this.sheets[name] = this.find(name).then((a) => (a ? load(a) : null));
      return this.sheets[name];
    }

    async find(name) {
      const [kind, method] = name.split("/");
      if (kind === "image") {
        const ground = getComputedStyle(this.element.querySelector(".ground")).backgroundImage;
        return ground.startsWith("url(") ? ground.slice(4, -1).replace(/["']/g, "") : null;
      }
      const scope = kind === "Truth" ? this.element.querySelector(".sheets > .sheet")
        : this.element.querySelectorAll(".layer")[Number(method)];
      const image = [...scope.querySelectorAll("img")].find((one) => one.alt.startsWith(kind));
      return image ? image.src : null;
    }

    pixels(sheet) {
      const x = (this.index % this.columns) * this.width;
      const y = Math.floor(this.index / this.columns) * this.height;
      return sheet.getImageData(x, y, this.width, this.height).data;
    }

    labels(sheet) {
      // The colour nearest in the palette that the sheets were drawn with: some browsers alter pixels a little.
      const known = palettes.paper;
      const pixels = this.pixels(sheet);
      const cache = new Map();
      const labels = new Uint8Array(this.width * this.height);
      for (let i = 0; i < labels.length; i++) {
        if (pixels[4 * i + 3] < 32) continue;
        if (pixels[4 * i + 3] < 128) {
          labels[i] = IGNORED;
          continue;
        }
        const colour = [pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2]];
        const key = (colour[0] << 16) | (colour[1] << 8) | colour[2];
        if (!cache.has(key)) {
          const distances = known.map((one) => near(one, colour));
          cache.set(key, distances.indexOf(Math.min(...distances)) + 1);
        }
        labels[i] = cache.get(key);
      }
      return labels;
    }

    async draw() {
      const turn = (this.turn = (this.turn || 0) + 1);
      const method = this.controls.method ? this.controls.method.value : "0";
      const overlay = this.controls.overlay.value;
      const on = (name) => this.controls[name] && this.controls[name].checked;
      const wanted = {
        image: "image", truth: ["outlined", "truth", "errors"].includes(overlay) ? "Truth" : null,
        prediction: ["prediction", "outlined", "errors"].includes(overlay) ? `Prediction/${method}` : null,
        entropy: on("entropy") ? `Entropy/${method}` : null,
        unreliable: on("unreliable") ? `Unreliable/${method}` : null,
      };
      const names = Object.keys(wanted).filter((name) => wanted[name]);
      const sheets = await Promise.all(names.map((name) => this.sheet(wanted[name])));
      if (turn !== this.turn) return;
      const got = Object.fromEntries(names.map((name, i) => [name, sheets[i]]));
      this.paint(got, overlay);
      const shown = `slice ${this.slices[this.index]}, ${this.index + 1} of ${this.slices.length}`;
      this.where.textContent = shown[0].toUpperCase() + shown.slice(1);
      this.controls.slice.setAttribute("aria-valuetext", shown);
      const chosen = this.controls.overlay.selectedOptions[0].textContent;
      const name = this.element.closest("details").querySelector("summary").firstChild.textContent.trim();
      const who = this.controls.method ? `${this.controls.method.selectedOptions[0].textContent}, ` : "";
      this.canvas.setAttribute("aria-label", `${name}, ${shown}: ${who}${chosen}`);
      if (this.errors) this.errors.hidden = overlay !== "errors";
    }

    paint(sheets, overlay) {
      const { width, height } = this;
      const context = this.small.getContext("2d");
      const picture = context.createImageData(width, height);
      const out = picture.data;
      if (sheets.image) out.set(this.pixels(sheets.image));
      else for (let i = 3; i < out.length; i += 4) out[i] = 255;
      const blend = (i, colour, share) => {
        for (let c = 0; c < 3; c++) out[4 * i + c] = (1 - share) * out[4 * i + c] + share * colour[c];
      };
      const opacity = Number(this.controls.opacity.value) / 100;
      const colours = palettes[root.dataset.palette];
      const truth = sheets.truth ? this.labels(sheets.truth) : null;
      const said = sheets.prediction ? this.labels(sheets.prediction) : null;
      const filled = overlay === "truth" ? truth : said;
      for (let i = 0; i < width * height; i++) {
        if (overlay === "errors") {
          if (said[i] === truth[i] || truth[i] === IGNORED) continue;
          blend(i, !said[i] ? ERRORS.missed : !truth[i] ? ERRORS.added : ERRORS.confused, opacity);
        } else if (filled && filled[i] && filled[i] !== IGNORED) blend(i, colours[filled[i] - 1], opacity);
      }
      if (sheets.entropy) {
        const layer = this.pixels(sheets.entropy);
        for (let i = 0; i < width * height; i++) {
          const share = (layer[4 * i + 3] / 255) * Math.max(opacity, 0.3);
          if (share) blend(i, [layer[4 * i], layer[4 * i + 1], layer[4 * i + 2]], share);
        }
      }
      context.putImageData(picture, 0, 0);
      const large = this.canvas.getContext("2d");
      large.imageSmoothingEnabled = false;
      large.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
      if (sheets.unreliable) this.hatch(large, this.pixels(sheets.unreliable), Math.max(opacity, 0.4));
      if (overlay === "outlined" && truth) this.outline(large, truth, colours);
    }

    hatch(context, pixels, opacity) {
      // Lines, between which the labels can still be told apart.
      const { width, height } = this;
      const [full, tall] = [this.canvas.width, this.canvas.height];
      const area = new Path2D();
      for (let i = 0; i < width * height; i++) {
        if (pixels[4 * i + 3] < 128) continue;
        area.rect(((i % width) * full) / width, (Math.floor(i / width) * tall) / height, full / width, tall / height);
      }
      const lines = new Path2D();
      for (let x = -tall; x < full; x += 9) { lines.moveTo(x, tall); lines.lineTo(x + tall, 0); }
      context.save();
      context.clip(area);
      context.globalAlpha = opacity;
      context.lineWidth = 5;
      context.strokeStyle = "#000";
      context.stroke(lines);
      context.lineWidth = 2.5;
      context.strokeStyle = UNRELIABLE;
      context.stroke(lines);
      context.restore();
    }

    outline(context, labels, colours) {
      // Between pixels, so that nothing under it is hidden; black below makes it stand out on any ground.
      const { width, height } = this;
      const [sx, sy] = [this.canvas.width / width, this.canvas.height / height];
      const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : labels[y * width + x]);
      const paths = colours.map(() => new Path2D());
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const label = at(x, y);
          if (!label || label === IGNORED) continue;
          const path = paths[label - 1];
          const edge = (x0, y0, x1, y1) => { path.moveTo(x0 * sx, y0 * sy); path.lineTo(x1 * sx, y1 * sy); };
          if (at(x, y - 1) !== label) edge(x, y, x + 1, y);
          if (at(x, y + 1) !== label) edge(x, y + 1, x + 1, y + 1);
          if (at(x - 1, y) !== label) edge(x, y, x, y + 1);
          if (at(x + 1, y) !== label) edge(x + 1, y, x + 1, y + 1);
        }
      }
      context.lineCap = "square";
      for (const [wide, colour] of [[5, () => "#000"], [2.5, (i) => `rgb(${colours[i].join(",")})`]]) {
        paths.forEach((path, i) => {
          context.lineWidth = wide;
          context.strokeStyle = colour(i);
          context.stroke(path);
        });
      }
    }
  }

  // A viewer is made when its case is opened: a page may have many.
  const made = new WeakSet();
  const make = (element) => {
    if (made.has(element)) return;
    made.add(element);
    new Viewer(element);
  };
  for (const element of document.querySelectorAll("[data-viewer]")) {
    const details = element.closest("details");
    if (details.open) make(element);
    details.addEventListener("toggle", () => { if (details.open) make(element); });
  }

  const palette = document.getElementById("palette");
  palette.closest(".switch").hidden = false;
  palette.addEventListener("change", () => {
    root.dataset.palette = palette.value;
    redraws.forEach((redraw) => redraw());
    say(`Structures in ${palette.selectedOptions[0].textContent} colours.`);
  });
})();
