/* The bands of a price as a grid of boxes that takes cells pasted from a spreadsheet. */
(() => {
  const NAMES = ["lowerLimit", "fixedPrice", "unitPrice"], LABELS = ["Above (units)", "Fixed price", "Price a unit"];
  const USED = { TIERED: [0, 2], VOLUME: [0, 2], STAIRSTEP: [0, 1], CUSTOM_TIERED: [0, 1, 2], CUSTOM_VOLUME: [0, 1, 2] };
  const make = (tag, props = {}, ...children) => { const one = Object.assign(document.createElement(tag), props); one.append(...children); return one; };

  class Bands {
    constructor(changed) { this.rows = [["0", "", ""]]; this.shape = "TIERED"; this.changed = changed; this.node = make("div"); }
    set(rows, shape) { this.rows = rows.map((row) => [...row]); this.shape = shape; this.draw(); }
    columns() { return USED[this.shape]; }
    json() { return JSON.stringify(this.rows.map((row) => Object.fromEntries(NAMES.map((name, at) => [name, row[at]])))); }
    objects() { return JSON.parse(this.json()); }
    draw() {
      const columns = this.columns();
      const head = make("tr", {}, ...columns.map((at) => make("th", { textContent: LABELS[at] })), make("th"));
      const body = this.rows.map((row, line) => make("tr", {}, ...columns.map((at) => {
        const box = make("input", { className: "bw-input bw-number", value: row[at], autocomplete: "off", inputMode: "decimal" });
        box.setAttribute("aria-label", `${LABELS[at]}, row ${line + 1}`);
        box.addEventListener("input", () => { row[at] = box.value; this.changed(); });
        box.addEventListener("paste", (event) => this.paste(event, line, columns.indexOf(at)));
        box.addEventListener("keydown", (event) => this.key(event, line, columns.indexOf(at)));
        return make("td", {}, box);
      }), make("td", {}, this.remover(line))));
      const add = make("button", { type: "button", className: "bw-button bw-small", textContent: "Add band" });
      add.addEventListener("click", () => this.add(this.rows.length));
      this.node.replaceChildren(make("table", { className: "bw-table bw-edit" }, make("thead", {}, head), make("tbody", {}, ...body)), add);
    }
    remover(line) {
      const button = make("button", { type: "button", className: "bw-icon-button", textContent: "×", title: "Remove band" });
      button.setAttribute("aria-label", `Remove band ${line + 1}`);
      button.addEventListener("click", () => { this.rows.splice(line, 1); this.draw(); this.changed(); this.focus(Math.max(0, line - 1), 0); });
      return button;
    }
    add(line) { this.rows.splice(line, 0, ["", "", ""]); this.draw(); this.changed(); this.focus(line, 0); }
    focus(line, column) { this.node.querySelectorAll("tbody tr")[line]?.querySelectorAll("input")[column]?.focus(); }
    key(event, line, column) {
      const step = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      if (event.key === "Enter" && line === this.rows.length - 1) this.add(line + 1);
      else this.focus(line + step, column);
    }
    // One cell goes into the box as any text does; several fill the boxes from there on.
    paste(event, line, column) {
      const text = event.clipboardData.getData("text").replace(/\r\n?/g, "\n").replace(/\n+$/, "");
      if (!/[\t\n]/.test(text)) return;
      event.preventDefault();
      const columns = this.columns();
      text.split("\n").forEach((cells, down) => {
        while (this.rows.length <= line + down) this.rows.push(["", "", ""]);
        cells.split("\t").forEach((cell, along) => {
          const at = columns[column + along];
          if (at !== undefined) this.rows[line + down][at] = cell.trim();
        });
      });
      this.draw(); this.changed(); this.focus(line, column);
    }
    // Sentences name their row, "Row 2: …": the boxes of that row are marked as well.
    mark(sentences) {
      this.node.querySelectorAll(".bw-at-fault").forEach((cell) => cell.classList.remove("bw-at-fault"));
      sentences.forEach((sentence) => {
        const found = /^Row (\d+)/.exec(sentence), row = found && this.node.querySelectorAll("tbody tr")[found[1] - 1];
        if (!row) return;
        const cells = [...row.querySelectorAll("td")].slice(0, -1);
        const named = cells.filter((_cell, at) => sentence.includes(LABELS[this.columns()[at]]));
        (named.length ? named : cells).forEach((cell) => { cell.classList.add("bw-at-fault"); cell.title = sentence; });
      });
    }
  }
  window.PriceBands = Bands;
})();
