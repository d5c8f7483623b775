/* The grid of prices: arrows between cells, Enter opens one, Esc leaves it. What is saved goes to
   the rules of the ordinary form; a refusal leaves what was typed where it is. */
(() => {
  const SHAPES = { TIERED: "Tiered", VOLUME: "Volume", STAIRSTEP: "Stairstep", CUSTOM_TIERED: "Custom tiered", CUSTOM_VOLUME: "Custom volume" };
  const STAGES = { past: "past", now: "in force", later: "to come" };
  const make = (tag, props = {}, ...children) => { const one = Object.assign(document.createElement(tag), props); one.append(...children); return one; };
  const labelled = (text, box) => make("label", { className: "bw-quiet" }, text, box);

  // Sends fields of a cell; what was refused is told in the dialog and returned.
  async function send(cell, fields, button) {
    const sent = new URLSearchParams({ csrfmiddlewaretoken: document.querySelector("#pricing-token [name=csrfmiddlewaretoken]").value, ...fields });
    const mark = document.querySelector("[data-organization]");
    if (mark) sent.set("_organization", mark.dataset.organization);
    button.disabled = true;
    let answer;
    try { answer = await (await fetch(location.pathname, { method: "POST", body: sent })).json(); }
    catch { answer = { errors: { "": ["It was not saved: the server gave no answer, or you may not do this. What you typed is still here."] } }; }
    button.disabled = false;
    const sentences = Object.values(answer.errors || {}).flat();
    if (sentences.length) {
      cell.errors.replaceChildren(...sentences.map((textContent) => make("p", { textContent })));
      return answer.errors;
    }
    sessionStorage.setItem("bw-price-cell", [...document.querySelectorAll(".bw-price-cell")].indexOf(cell.button));
    location.reload();
    return null;
  }

  // The standing charge or the minimum spend of a plan or template: one amount.
  class Charge {
    constructor(button) { Object.assign(this, { button, data: JSON.parse(button.dataset.cell), dialog: document.querySelector(".bw-price-dialog") }); }
    open() {
      const save = make("button", { className: "bw-button bw-primary", textContent: "Save" });
      const leave = make("button", { type: "button", className: "bw-button", textContent: "Leave" });
      this.amount = make("input", { className: "bw-input", inputMode: "decimal", value: this.data.amount });
      this.errors = make("div", { className: "bw-errors" }); this.errors.setAttribute("role", "alert");
      leave.addEventListener("click", () => this.leave());
      this.dialog.oncancel = (event) => { event.preventDefault(); this.leave(); };
      const form = make("form", {}, labelled(this.data.label, this.amount), make("p", { className: "bw-quiet", textContent: this.data.note }),
        this.errors, make("div", { className: "bw-actions" }, save, leave));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        send(this, { kind: this.data.kind, id: this.data.id, _version: this.data.version, [this.data.charge]: this.amount.value }, save);
      });
      this.dialog.replaceChildren(make("h2", { id: "price-title", textContent: this.data.title }), form);
      this.dialog.showModal(); this.amount.focus();
    }
    leave() {
      if (this.amount.value !== this.data.amount && !window.confirm("What you typed is not saved. Leave it?")) return;
      this.dialog.close(); this.button.focus();
    }
  }

  class Cell {
    constructor(button, grid) {
      Object.assign(this, { button, grid, data: JSON.parse(button.dataset.cell), dirty: false });
      this.dialog = document.querySelector(".bw-price-dialog");
      this.token = document.querySelector("#pricing-token [name=csrfmiddlewaretoken]").value;
      this.bands = new window.PriceBands(() => this.typed());
      this.shape = make("select", { className: "bw-input" }, ...Object.entries(SHAPES).map(([value, textContent]) => make("option", { value, textContent })));
      this.shape.addEventListener("change", () => { this.bands.shape = this.shape.value; this.bands.draw(); this.typed(); });
      this.start = make("input", { type: "date", className: "bw-input" });
      this.end = make("input", { type: "date", className: "bw-input" });
      [this.start, this.end].forEach((box) => box.addEventListener("input", () => { this.dirty = true; }));
      this.errors = make("div", { className: "bw-errors" }); this.errors.setAttribute("role", "alert");
      this.note = make("div"); this.curve = make("div", { className: "bw-price-curve" });
      this.times = make("ol", { className: "bw-timeline" });
    }
    open() {
      const save = make("button", { type: "button", className: "bw-button bw-primary", textContent: "Save" });
      const leave = make("button", { type: "button", className: "bw-button", textContent: "Leave" });
      save.addEventListener("click", () => this.save(save)); leave.addEventListener("click", () => this.leave());
      this.drop = make("button", { type: "button", className: "bw-button bw-danger", textContent: "Delete this price", hidden: true });
      this.drop.addEventListener("click", () => this.remove());
      this.dialog.oncancel = (event) => { event.preventDefault(); this.leave(); };
      this.dialog.replaceChildren(make("h2", { id: "price-title", textContent: this.data.title }), this.times, this.note,
        make("div", { className: "bw-price-fields" }, labelled("Kind of price", this.shape), labelled("From", this.start), labelled("Until (not included)", this.end)),
        this.bands.node, this.errors, this.curve, make("div", { className: "bw-actions" }, save, leave, this.drop));
      const { prices } = this.data, now = prices.find((one) => one.stage === "now");
      this.choose(now || prices.at(-1) || null, null);
      this.dialog.showModal();
      this.bands.focus(0, 1);
    }
    // ``after`` is the price that a new one takes over from.
    async choose(price, after) {
      Object.assign(this, { price, after, dirty: false });
      const shown = price || after || this.data.inherited || { shape: "TIERED", bands: [["0", "", ""]], start: "", end: "" };
      this.shape.value = shown.shape; this.bands.set(shown.bands, shown.shape);
      this.start.value = price ? price.start : ""; this.end.value = price ? price.end : "";
      this.errors.replaceChildren(); this.note.replaceChildren(); this.timeline(); this.draw();
      this.told = ""; this.drop.hidden = !price || !this.data.mayDelete;
      if (!price) return;
      const answer = await fetch(`${location.pathname}?use=${price.id}`).then((one) => one.json()).catch(() => ({}));
      if (this.price !== price || !answer.told) return;
      this.told = answer.told;
      const fresh = make("button", { type: "button", className: "bw-button bw-primary", textContent: "New price from a date" });
      fresh.addEventListener("click", () => this.begin(price));
      this.note.replaceChildren(make("div", { className: "bw-note" }, make("span", { textContent: answer.told }), fresh));
    }
    begin(after) { this.choose(null, after); this.start.focus(); }
    timeline() {
      const entry = (words, times, chosen, act) => {
        const button = make("button", { type: "button" }, words, make("small", { textContent: times }));
        button.setAttribute("aria-pressed", String(chosen));
        button.addEventListener("click", () => { if (this.mayLose()) act(); });
        return make("li", {}, button);
      };
      const latest = this.data.prices.at(-1) || null;
      this.times.replaceChildren(...this.data.prices.map((one) => entry(STAGES[one.stage], `${one.start} – ${one.end || "open"}`, one === this.price, () => this.choose(one, null))),
        entry("new price", "from a date", !this.price, () => this.begin(latest && !latest.end ? latest : null)));
    }
    typed() { this.dirty = true; clearTimeout(this.timer); this.timer = setTimeout(() => this.draw(), 300); }
    draw() { window.priceCurve(this.curve, this.grid.dataset.curve, this.token, { shape: this.shape.value, units: "0", bands: this.bands.objects() }, this.data.currency); }
    mayLose() { return !this.dirty || window.confirm("What you typed is not saved. Leave it?"); }
    leave() { if (!this.mayLose()) return; this.dialog.close(); this.button.focus(); }
    async save(button) {
      const sent = { kind: this.data.kind, ...this.data.fields,
        shape: this.shape.value, bands: this.bands.json(), start_date_0: this.start.value, start_date_1: this.start.value ? this.time("start") : "",
        end_date_0: this.end.value, end_date_1: this.end.value ? this.time("end") : "" };
      if (this.price) Object.assign(sent, { id: this.price.id, _version: this.price.version });
      if (this.after) sent.after = this.after.id;
      const errors = await send(this, sent, button);
      if (errors) this.bands.mark(errors.bands || []);
    }
    async remove() {
      const { start, end, id, version } = this.price;
      if (!window.confirm(`Delete the price from ${start} until ${end || "open"}? ${this.told || ""} Usage of its time is no longer priced by it.`)) return;
      await send(this, { do: "delete", kind: this.data.kind, id, _version: version }, this.drop);
    }
    // A price keeps its time of day, unless its day is another.
    time(which) { return this.price && this[which].value === this.price[which] ? this.price[`${which}Time`] : "00:00:00"; }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const grid = document.querySelector("[data-price-grid]");
    if (!grid) return;
    const lines = [...grid.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll(".bw-price-cell")]);
    const cells = lines.flat(), kept = Number(sessionStorage.getItem("bw-price-cell"));
    const reach = (button) => { cells.forEach((one) => { one.tabIndex = -1; }); button.tabIndex = 0; };
    lines.forEach((row, down) => row.forEach((button, along) => {
      button.addEventListener("click", () => { reach(button); (JSON.parse(button.dataset.cell).charge ? new Charge(button) : new Cell(button, grid)).open(); });
      button.addEventListener("focus", () => reach(button));
      button.addEventListener("keydown", (event) => {
        const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
        const next = x === undefined ? null : lines[down + y]?.[along + x];
        if (next) { event.preventDefault(); next.focus(); }
      });
    }));
    if (sessionStorage.getItem("bw-price-cell") !== null && cells[kept]) cells[kept].focus(); else reach(cells[0]);
    sessionStorage.removeItem("bw-price-cell");
  });
})();
