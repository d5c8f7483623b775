/* Calculations: names offered while typing, and a button that checks and tries with sample values.
   The text box is what counts; without this file one types and learns of faults when saving. */
(() => {
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    for (const [key, value] of Object.entries(props.attrs || {})) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const MOST_OFFERED = 8;
  const WORD = /[\p{L}_$][\p{L}\d_$]*(?:\.[\p{L}\d_$]*)*$/u;
  let count = 0;

  class Calculation {
    constructor(root) {
      this.root = root;
      this.box = root.querySelector("textarea");
      this.names = null;
      this.samples = {};
      this.at = 0;
      this.id = `bw-offered-${++count}`;
      this.list = make("ul", { className: "bw-offered", id: this.id, hidden: true, attrs: { role: "listbox", "aria-label": "Offered" } });
      this.below = make("div", { className: "bw-checked", attrs: { "aria-live": "polite" } });
      this.button = make("button", { type: "button", className: "bw-button bw-small", textContent: "Check" });
      this.box.setAttribute("aria-controls", this.id);
      this.box.setAttribute("aria-autocomplete", "list");
      this.box.after(this.list, this.button, this.below);
      this.button.addEventListener("click", () => this.check());
      this.box.addEventListener("focus", () => this.learn());
      this.box.addEventListener("input", () => { this.below.replaceChildren(); this.offer(); });
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.box.addEventListener("blur", () => { this.list.hidden = true; });
      this.list.addEventListener("mousedown", (event) => {
        const item = event.target.closest("li");
        event.preventDefault();
        if (item) this.take(item.dataset.name);
      });
    }

    async ask(text) {
      const elements = this.box.form.elements, body = new URLSearchParams();
      for (const name of this.root.dataset.sends.split(",").filter(Boolean)) {
        if (elements[name]) body.set(name, elements[name].value);
      }
      body.set("calculation", text);
      body.set("category", this.box.dataset.category || "");
      body.set("samples", JSON.stringify(this.samples));
      const token = this.box.form.querySelector("[name=csrfmiddlewaretoken]");
      try {
        const answer = await fetch(this.root.dataset.check, { method: "POST", body, headers: { "X-CSRFToken": token ? token.value : "" } });
        return answer.ok ? await answer.json() : null;
      } catch { return null; }
    }

    async learn() {
      const answer = await this.ask("");
      if (answer) this.names = answer.names;
    }

    word() {
      const before = this.box.value.slice(0, this.box.selectionStart);
      const found = WORD.exec(before);
      return found ? found[0] : "";
    }

    offer() {
      const word = this.word().toLowerCase();
      const fitting = word && this.names
        ? this.names.filter((name) => name.toLowerCase().includes(word) && name.toLowerCase() !== word) : [];
      fitting.sort((a, b) => b.toLowerCase().startsWith(word) - a.toLowerCase().startsWith(word));
      this.at = 0;
      this.list.replaceChildren(...fitting.slice(0, MOST_OFFERED).map((name, index) =>
        make("li", { textContent: name, id: `${this.id}-${index}`, attrs: { role: "option", "data-name": name } })));
      this.list.hidden = !fitting.length;
      this.mark();
    }

    mark() {
      [...this.list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === this.at)));
      const item = this.list.hidden ? null : this.list.children[this.at];
      if (item) this.box.setAttribute("aria-activedescendant", item.id);
      else this.box.removeAttribute("aria-activedescendant");
    }

    key(event) {
      if (this.list.hidden) return;
      const last = this.list.children.length - 1;
      const moves = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in moves) {
        this.at = Math.min(last, Math.max(0, this.at + moves[event.key]));
        this.mark();
      } else if (event.key === "Enter" || event.key === "Tab") {
        this.take(this.list.children[this.at].dataset.name);
      } else if (event.key === "Escape") {
        this.list.hidden = true;
      } else return;
      event.preventDefault();
      event.stopPropagation();
    }

    take(name) {
      const end = this.box.selectionStart, start = end - this.word().length;
      this.box.setRangeText(name, start, end, "end");
      this.list.hidden = true;
      this.box.dispatchEvent(new Event("input", { bubbles: true }));
      this.list.hidden = true;
    }

    async check() {
      const answer = await this.ask(this.box.value);
      if (!answer) {
        this.below.replaceChildren(make("p", { className: "bw-fault", textContent: "The server did not answer. Try again." }));
        return;
      }
      this.names = answer.names;
      if (answer.faults) this.below.replaceChildren(...answer.faults.map((fault) => this.fault(fault)));
      else this.below.replaceChildren(...this.result(answer));
    }

    fault({ position, length, reason }) {
      const text = this.box.value, start = text.lastIndexOf("\n", position - 1) + 1;
      const end = text.indexOf("\n", position) < 0 ? text.length : text.indexOf("\n", position);
      const from = Math.max(start, position - 40);
      const line = text.slice(from, Math.min(end, position + 40));
      const marks = " ".repeat(position - from) + "^".repeat(Math.max(1, Math.min(length, end - position, 40)));
      return make("div", { className: "bw-fault" },
        make("pre", { textContent: `${line}\n${marks}` }), make("p", { textContent: reason }));
    }

    result(answer) {
      this.samples = answer.samples;
      const inputs = Object.entries(answer.samples).map(([name, value]) => {
        const input = make("input", { className: "bw-input", value, autocomplete: "off", attrs: { "aria-label": `Sample of ${name}` } });
        input.addEventListener("change", () => { this.samples[name] = input.value; this.check(); });
        input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); input.blur(); } });
        return make("label", { className: "bw-sample" }, make("span", { className: "bw-code", textContent: name }), input);
      });
      const told = answer.failure
        ? make("p", { className: "bw-fault", textContent: `With these values it fails: ${answer.failure}.` })
        : make("p", { className: "bw-result" }, "Result: ", make("b", { textContent: answer.result }));
      const hint = inputs.length ? [make("p", { className: "bw-help", textContent: "With these sample values; an empty one is null." })] : [];
      return [...hint, ...inputs, told];
    }
  }

  const start = () => {
    for (const root of document.querySelectorAll("[data-calculation]")) {
      if (!root.dataset.ready && root.querySelector("textarea")?.form) {
        root.dataset.ready = "1";
        new Calculation(root);
      }
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    start();
    // Rows are added and drawn later.
    new MutationObserver(start).observe(document.body, { childList: true, subtree: true });
  });
})();
