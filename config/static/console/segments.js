/* Fields of a meter and segments, chosen and typed instead of written as JSON. The text that is
   posted stands behind each editor and is what counts; without this file one edits the text. */
(() => {
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    for (const [key, value] of Object.entries(props.attrs || {})) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const icon = (name) => make("span", { className: "material-symbols-outlined", textContent: name, attrs: { "aria-hidden": "true" } });
  const option = (value, textContent, selected) => make("option", { value, textContent, selected: Boolean(selected) });
  const quiet = (textContent) => make("p", { className: "bw-help", textContent });
  const ask = async (address, id) => {
    try {
      const answer = await fetch(address.replace("/ID/", `/${encodeURIComponent(id)}/`));
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  };
  const parse = (text, empty) => { try { return text.trim() ? JSON.parse(text) : empty; } catch { return null; } };
  const isTexts = (one) => one && typeof one === "object" && !Array.isArray(one)
    && Object.values(one).every((text) => typeof text === "string");
  const spelt = (one) => JSON.stringify(Object.keys(one).sort().map((key) => [key, one[key]]));
  // Drop-downs that search while typing tell of a change through jQuery only.
  const onChange = (element, act) => {
    const query = window.django && window.django.jQuery;
    query ? query(element).on("change", act) : element.addEventListener("change", act);
  };
  // What stands in front of a box takes its label; the box stays in the form, unseen.
  class Front {
    constructor(box, front) { Object.assign(this, { box, front, id: box.id, isShown: false }); }
    show(isShown) {
      if (isShown === this.isShown) return;
      this.isShown = isShown;
      const [named, other] = isShown ? [this.front, this.box] : [this.box, this.front];
      other.removeAttribute("id"); named.id = this.id;
      if (isShown) this.box.after(this.front); else this.front.remove();
      this.box.hidden = isShown;
      this.box.style.display = isShown ? "none" : "";
    }
    write(text) {
      this.box.value = text;
      this.box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  class Aggregation {
    constructor(root) {
      this.root = root;
      const area = root.querySelector("textarea"), { meter, target_field: target, segmented_fields: codes } = area.form.elements;
      if (!meter || !target || !codes) return;
      this.meter = meter;
      this.target = new Front(target, make("select", { className: "bw-input bw-choose" }));
      this.codes = new Front(codes, make("div", { className: "bw-ticks", attrs: { role: "group", "aria-label": "Segmented fields" } }));
      this.rows = new Front(area, make("div"));
      this.added = new WeakSet();
      this.target.front.addEventListener("change", () => this.target.write(this.target.front.value));
      onChange(meter, () => this.load());
      this.load();
    }
    async load() {
      const mine = this.asked = (this.asked || 0) + 1, id = this.meter.value;
      const answer = id ? await ask(this.root.dataset.fields, id) : { fields: [] };
      if (mine !== this.asked) return;
      this.fields = answer ? answer.fields : [];
      this.chosen = this.codes.box.value.split(",").map((code) => code.trim()).filter(Boolean);
      const rows = this.segments || parse(this.rows.box.value, []);
      const isTable = Array.isArray(rows) && rows.every((row) => isTexts(row) && (this.segments
        || spelt(Object.fromEntries(Object.keys(row).map((code) => [code, ""]))) === spelt(Object.fromEntries(this.chosen.map((code) => [code, ""])))));
      this.target.show(Boolean(answer));
      // A text that is no table of these fields is mended as the text it is.
      this.codes.show(Boolean(answer) && isTable);
      this.rows.show(Boolean(answer) && isTable);
      this.root.querySelector("[data-plain]").hidden = this.rows.isShown;
      if (answer) this.drawTarget();
      if (!this.rows.isShown) return;
      this.segments = rows;
      this.drawCodes(); this.drawRows();
    }
    drawTarget() {
      const now = this.target.box.value, isKnown = this.fields.some((field) => field.code === now);
      this.target.front.replaceChildren(option("", this.meter.value ? "Select value" : "Choose a meter first", !now),
        ...this.fields.map((field) => option(field.code, `${field.name} (${field.code}), ${field.category}`, field.code === now)),
        ...(now && !isKnown ? [option(now, `${now}: no field of this meter`, true)] : []));
    }
    drawCodes() {
      const offered = this.fields.filter((field) => field.segments);
      const lost = this.chosen.filter((code) => !offered.some((field) => field.code === code));
      const tick = (code, words) => {
        const box = make("input", { type: "checkbox", checked: this.chosen.includes(code), className: "bw-tickbox" });
        box.addEventListener("change", () => {
          this.chosen = box.checked ? [...this.chosen, code] : this.chosen.filter((one) => one !== code);
          this.store(); this.drawRows();
        });
        return make("label", {}, box, make("span", { textContent: words }));
      };
      const none = this.meter.value ? "This meter has no text field that can segment." : "Choose a meter first.";
      this.codes.front.replaceChildren(...offered.map((field) => tick(field.code, `${field.name} (${field.code})`)),
        ...lost.map((code) => tick(code, `${code}: no text field of this meter`)), ...(offered.length + lost.length ? [] : [quiet(none)]));
    }
    drawRows() {
      const name = (code) => (this.fields.find((field) => field.code === code) || { name: code }).name;
      if (!this.chosen.length) { this.rows.front.replaceChildren(quiet("Choose segmented fields first.")); return; }
      const head = make("tr", {}, make("th", { textContent: "Row" }), ...this.chosen.map((code) => make("th", { textContent: name(code) })), make("th", { className: "bw-narrow-cell" }));
      const body = this.segments.map((row, at) => make("tr", {}, make("td", { className: "bw-quiet bw-narrow-cell", textContent: at + 1 }),
        ...this.chosen.map((code) => {
          const input = make("input", { className: "bw-input", value: row[code] || "", autocomplete: "off", attrs: { "aria-label": `${name(code)}, row ${at + 1}` } });
          input.addEventListener("input", () => { row[code] = input.value; this.store(); });
          // Enter goes on to the next row; saving has its own button.
          input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.add(at + 1); } });
          return make("td", {}, input);
        }),
        make("td", { className: "bw-narrow-cell" }, make("button", { type: "button", className: "bw-icon-button", title: "Remove row", onclick: () => this.remove(at), attrs: { "aria-label": `Remove row ${at + 1}` } }, icon("close")))));
      this.rows.front.replaceChildren(make("div", { className: "bw-rows" }, make("table", { className: "bw-table bw-edit", hidden: !body.length }, make("thead", {}, head), make("tbody", {}, ...body))),
        make("button", { type: "button", className: "bw-button bw-small", onclick: () => this.add(this.segments.length) }, icon("add"), "Add segment"));
    }
    add(at) {
      const row = {};
      this.added.add(row);
      this.segments.splice(at, 0, row);
      this.drawRows(); this.store();
      this.rows.front.querySelectorAll("tbody tr")[at].querySelector("input").focus();
    }
    remove(at) {
      this.segments.splice(at, 1);
      this.drawRows(); this.store();
      const rows = this.rows.front.querySelectorAll("tbody tr");
      (rows.length ? rows[Math.min(at, rows.length - 1)].querySelector("input") : this.rows.front.querySelector(":scope > button")).focus();
    }
    store() {
      const isFilled = (row) => !this.added.has(row) || this.chosen.some((code) => row[code]);
      const rows = this.chosen.length ? this.segments.filter(isFilled) : [];
      const kept = rows.map((row) => Object.fromEntries(this.chosen.map((code) => [code, row[code] || ""])));
      this.codes.write(this.chosen.join(", "));
      this.rows.write(kept.length ? JSON.stringify(kept, null, 2) : "");
    }
  }

  class Price {
    constructor(root) {
      this.root = root;
      const area = root.querySelector("textarea");
      this.aggregation = area.form.elements.aggregation;
      if (!this.aggregation) return;
      this.segment = new Front(area, make("select", { className: "bw-input bw-choose" }));
      this.segment.front.addEventListener("change", () => this.segment.write(this.segment.front.value));
      onChange(this.aggregation, () => this.load(false));
      this.load(true);
    }
    async load(isFirst) {
      const mine = this.asked = (this.asked || 0) + 1, id = this.aggregation.value;
      const answer = id ? await ask(this.root.dataset.segmentsOf, id) : { fields: [], segments: [] };
      if (mine !== this.asked) return;
      let now = parse(this.segment.box.value, {});
      const isChoice = Boolean(answer) && isTexts(now);
      this.segment.show(isChoice);
      this.root.querySelector("[data-plain]").hidden = isChoice;
      if (!isChoice) return;
      const isKnown = answer.segments.some((one) => spelt(one) === spelt(now));
      if (!isFirst && !isKnown && Object.keys(now).length) { now = {}; this.segment.write(""); }
      this.draw(answer, now, isKnown);
    }
    draw({ fields, segments }, now, isKnown) {
      const isEmpty = !Object.keys(now).length;
      const isDefault = (one) => Object.values(one).every((text) => text === "*");
      const words = (one) => isDefault(one) ? "Default" : (fields.length ? fields : Object.keys(one)).map((code) => `${code}: ${one[code]}`).join(", ");
      const none = segments.length ? "Select value" : this.aggregation.value ? "The whole aggregation: it has no segments" : "Choose an aggregation first";
      this.segment.front.replaceChildren(option("", none, isEmpty),
        ...segments.map((one) => option(JSON.stringify(one), words(one), spelt(one) === spelt(now))),
        ...(isEmpty || isKnown ? [] : [option(this.segment.box.value, `${Object.entries(now).map(([code, text]) => `${code}: ${text}`).join(", ")} (no segment of this aggregation)`, true)]));
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-segments]").forEach((root) => new Aggregation(root));
    document.querySelectorAll("[data-segment]").forEach((root) => new Price(root));
  });
})();
