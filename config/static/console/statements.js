/* The statement editor: cards with an effect, actions and resources, in front of the JSON that is
   posted. Words one does not touch keep the spelling they came in. Without this file the JSON
   stays: nothing depends on it. */
(() => {
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    for (const [key, value] of Object.entries(props.attrs || {})) node.setAttribute(key, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const icon = (name) => make("span", { className: "material-symbols-outlined", textContent: name, attrs: { "aria-hidden": "true" } });
  // config:create, CONFIG_CREATE and Config-Create are one action; so are all, * and *:*.
  const normal = (action) => {
    const text = String(action).toLowerCase();
    return ["all", "*", "*:*"].includes(text) ? "all" : text.replace(/[:_-]/g, "");
  };
  const isDeny = (statement) => String(statement.effect).toLowerCase() === "deny";
  const isStatements = (value) => Array.isArray(value) && value.every((one) => one && typeof one === "object"
    && Array.isArray(one.action) && Array.isArray(one.resource));
  let numbers = 0;

  class Editor {
    constructor(root) {
      this.root = root;
      this.words = JSON.parse(root.querySelector("script[type='application/json']").textContent);
      this.area = root.querySelector("textarea");
      this.panels = { editor: root.querySelector("[data-panel=editor]"), json: root.querySelector("[data-panel=json]") };
      this.reading = root.querySelector("[data-reading]");
      this.list = make("div");
      this.statements = [];
      this.prefix = `statement-editor-${++numbers}`;
      this.tabs();
      this.panels.editor.append(this.list, make("button", {
        type: "button", className: "bw-button bw-small", onclick: () => this.add({ effect: "allow", action: [], resource: [] }),
      }, icon("add"), "Add statement"));
      this.area.addEventListener("input", () => this.ask());
      this.show(this.load() ? "editor" : "json");
      this.ask(0);
    }

    // Tabs ------------------------------------------------------------------------------------
    tabs() {
      const bar = this.root.querySelector("[role=tablist]");
      bar.hidden = false;
      this.buttons = [...bar.querySelectorAll("[role=tab]")];
      this.buttons.forEach((button, at) => {
        const panel = this.panels[button.dataset.tab];
        panel.id = `${this.prefix}-${button.dataset.tab}`;
        button.id = `${panel.id}-tab`;
        button.setAttribute("aria-controls", panel.id);
        panel.setAttribute("aria-labelledby", button.id);
        button.addEventListener("click", () => this.open(button.dataset.tab));
        button.addEventListener("keydown", (event) => {
          if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
          const next = this.buttons[(at + 1) % this.buttons.length];
          this.open(next.dataset.tab);
          this.buttons.find((one) => one.getAttribute("aria-selected") === "true").focus();
        });
      });
    }
    open(name) {
      if (name === "editor" && !this.load()) return;
      this.show(name);
    }
    show(name) {
      for (const [key, panel] of Object.entries(this.panels)) panel.hidden = key !== name;
      for (const button of this.buttons) {
        const chosen = button.dataset.tab === name;
        button.setAttribute("aria-selected", chosen);
        button.tabIndex = chosen ? 0 : -1;
      }
    }

    // State: the text area is the truth ----------------------------------------------------------
    load() {
      let found;
      try { found = this.area.value.trim() ? JSON.parse(this.area.value) : []; } catch { found = null; }
      if (!isStatements(found)) return false;
      this.statements = found.length ? found : [{ effect: "allow", action: [], resource: [] }];
      this.draw();
      return true;
    }
    store() {
      this.area.value = JSON.stringify(this.statements, null, 2);
      this.area.dispatchEvent(new Event("change", { bubbles: true }));
      this.ask();
    }
    add(statement, at = this.statements.length) {
      this.statements.splice(at, 0, statement);
      this.draw(); this.store();
      this.list.children[at].querySelector("input").focus();
    }
    remove(at) {
      this.statements.splice(at, 1);
      this.draw(); this.store();
      (this.list.children[Math.max(0, at - 1)]?.querySelector("input") || this.panels.editor.querySelector(":scope > button")).focus();
    }
    ask(wait = 300) {
      clearTimeout(this.timer);
      this.timer = setTimeout(async () => {
        const text = this.area.value, mine = this.asked = (this.asked || 0) + 1;
        const token = this.area.form.elements.csrfmiddlewaretoken;
        let answer;
        try {
          const response = await fetch(this.root.dataset.read, { method: "POST", body: text, headers: { "X-CSRFToken": token ? token.value : "" } });
          answer = response.ok ? await response.json() : null;
        } catch { answer = null; }
        if (mine === this.asked && answer) this.tell(answer);
      }, wait);
    }
    tell(answer) {
      const isEmpty = !this.statements.some((one) => one.action.length && one.resource.length);
      const problem = answer.problem && !this.panels.editor.hidden ? (isEmpty ? "" : "Each statement needs an action and a resource.") : answer.problem;
      const lines = (answer.statements || []).map((one) => make("li", {}, make("p", { textContent: one.sentence }),
        ...one.warnings.map((text) => make("p", { className: "bw-warning", textContent: text }))));
      const normalForm = (answer.statements || []).map((one) => one.normal);
      this.reading.replaceChildren(...(problem ? [make("p", { className: "bw-error", textContent: problem })] : []), ...(lines.length ? [
        make("div", { className: "bw-reading" }, make("h3", { textContent: "What this says" }), make("ol", {}, ...lines),
          ...answer.warnings.map((text) => make("p", { className: "bw-warning", textContent: text })),
          make("details", { className: "bw-line" }, make("summary", { textContent: "Normal form" }),
            make("pre", { className: "bw-json", textContent: JSON.stringify(normalForm, null, 2) })))] : []));
      (answer.statements || []).forEach((one, at) => {
        const chips = this.list.children[at]?.querySelectorAll("[data-resource] > span") || [];
        one.resources.forEach((text, position) => { if (chips[position]) chips[position].textContent = text; });
      });
    }

    // Cards --------------------------------------------------------------------------------------
    draw() { this.list.replaceChildren(...this.statements.map((statement, at) => this.card(statement, at))); }
    card(statement, at) {
      const card = make("section", { className: "bw-statement", attrs: { "aria-label": `Statement ${at + 1}` } });
      const tool = (name, label, act) => make("button", { type: "button", className: "bw-icon-button", title: label, onclick: act, attrs: { "aria-label": `${label}, statement ${at + 1}` } }, icon(name));
      card.append(make("header", {}, make("strong", { textContent: `Statement ${at + 1}` }), this.effect(statement, at), make("span", { className: "bw-statement-tools" },
        tool("content_copy", "Duplicate", () => this.add(structuredClone(statement), at + 1)), tool("delete", "Remove", () => this.remove(at)))));
      card.append(this.actions(statement), this.resources(statement, at));
      return card;
    }
    effect(statement, at) {
      const group = make("span", { className: "bw-switch-two", attrs: { role: "radiogroup", "aria-label": "Effect" } });
      for (const [value, label] of [["allow", "Allow"], ["deny", "Deny"]]) {
        const box = make("input", { type: "radio", name: `${this.prefix}-effect-${at}`, value, checked: isDeny(statement) === (value === "deny") });
        box.addEventListener("change", () => { statement.effect = value; this.store(); });
        group.append(make("label", { className: `bw-effect-${value}` }, box, make("span", { textContent: label })));
      }
      return group;
    }
    actions(statement) {
      const field = make("fieldset", {}, make("legend", { textContent: "Actions" }));
      const boxes = [];
      const refresh = () => {
        const have = new Set(statement.action.map(normal));
        for (const { box, value, covers } of boxes) {
          const covered = covers.some((wide) => have.has(normal(wide)));
          box.checked = covered || have.has(normal(value));
          box.disabled = covered && !have.has(normal(value));
        }
      };
      const option = (value, label, covers) => {
        const box = make("input", { type: "checkbox", value });
        box.addEventListener("change", () => {
          statement.action = box.checked ? [...statement.action, value] : statement.action.filter((one) => normal(one) !== normal(value));
          refresh(); this.store();
        });
        boxes.push({ box, value, covers });
        return make("label", { className: "bw-tick" }, box, make("span", { textContent: label }));
      };
      const row = (label, ...options) => make("div", { className: "bw-tick-row", attrs: { role: "group", "aria-label": label } }, make("b", { textContent: label }), ...options);
      field.append(row("Everything", option("all", "every action", []), option("*:retrieve", "every retrieve", ["all"])));
      const known = new Set(["all", "*retrieve"]);
      const rare = make("div");
      for (const area of this.words.areas) {
        (area.isRare ? rare : field).append(row(area.label, option(area.wild, "all of it", ["all"]),
          ...area.actions.map((one) => option(one.value, one.label, ["all", area.wild, ...(one.value.endsWith(":retrieve") ? ["*:retrieve"] : [])]))));
        for (const value of [area.wild, ...area.actions.map((one) => one.value)]) known.add(normal(value));
      }
      field.append(make("details", { open: statement.action.some((one) => this.words.areas.some((area) => area.isRare && normal(one).startsWith(normal(area.wild).slice(0, -1)))) },
        make("summary", { textContent: "More actions" }), rare));
      const others = statement.action.filter((one) => !known.has(normal(one)));
      if (others.length) field.append(row("Other", ...others.map((value) => option(value, value, []))));
      refresh();
      return field;
    }
    resources(statement, at) {
      const field = make("fieldset", {}, make("legend", { textContent: "Resources" }));
      const chips = make("ul", { className: "bw-chips" });
      const draw = () => chips.replaceChildren(...statement.resource.map((value) => {
        const chip = make("li", { title: value, attrs: { "data-resource": "" } }, make("span", { textContent: value }));
        chip.append(make("button", { type: "button", attrs: { "aria-label": `Remove ${value}` }, onclick: () => {
          statement.resource = statement.resource.filter((one) => one !== value);
          draw(); this.store(); field.querySelector("select").focus();
        } }, icon("close")));
        return chip;
      }));
      const put = (value) => {
        if (!statement.resource.includes(value)) statement.resource.push(value);
        draw(); this.store();
      };
      draw();
      field.append(chips, this.picker(put, `${this.prefix}-${at}`));
      return field;
    }

    // Resource picker: type, reach, and a search for one row or one group --------------------------
    picker(put, id) {
      const types = make("select", { className: "bw-input", attrs: { "aria-label": "Type of resource" } },
        make("option", { value: "*", textContent: "Everything" }));
      for (const { service, types: kinds } of this.words.services) {
        types.append(make("optgroup", { label: service }, make("option", { value: `${service}:*`, textContent: `Everything in ${service}` }),
          ...kinds.map((kind) => make("option", { value: kind.value, textContent: kind.label, attrs: kind.hasRows ? { "data-rows": "" } : {} }))));
      }
      const reach = make("select", { className: "bw-input", attrs: { "aria-label": "Which of them" } },
        ...[["all", "all of them"], ["item", "one of them"], ["group", "those of a group"], ["groups", "those of any group"]].map(([value, textContent]) => make("option", { value, textContent })));
      const box = make("input", { className: "bw-input", placeholder: "Search by name, code or id", autocomplete: "off",
        attrs: { role: "combobox", "aria-label": "Search", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": `${id}-found` } });
      const found = make("ul", { id: `${id}-found`, className: "bw-found", hidden: true, attrs: { role: "listbox" } });
      const button = make("button", { type: "button", className: "bw-button bw-small" }, icon("add"), "Add");
      const search = make("span", { className: "bw-search" }, box, found);
      let options = [], at = -1, timer, latest = 0, isWaiting = false, takesFirst = false;
      const isSearch = () => ["item", "group"].includes(reach.value);
      const refresh = () => {
        const kind = types.selectedOptions[0];
        reach.hidden = kind.value.endsWith("*");
        if (reach.hidden) reach.value = "all";
        reach.options[1].disabled = !kind.hasAttribute("data-rows");
        if (reach.selectedOptions[0].disabled) reach.value = "all";
        search.hidden = !isSearch(); button.hidden = isSearch();
        box.value = ""; close();
      };
      const close = () => { found.hidden = true; at = -1; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); };
      const mark = (next) => {
        at = options.length ? (next + options.length) % options.length : -1;
        [...found.children].forEach((item, position) => item.setAttribute("aria-selected", position === at));
        if (at < 0) return;
        box.setAttribute("aria-activedescendant", found.children[at].id);
        found.children[at].scrollIntoView({ block: "nearest" });
      };
      const choose = (one) => { put(`${types.value}/${reach.value}/${one.id}`); box.value = ""; close(); box.focus(); };
      const look = async () => {
        const mine = ++latest;
        isWaiting = true;
        const query = new URLSearchParams({ type: types.value, reach: reach.value, q: box.value });
        const response = await fetch(`${this.root.dataset.targets}?${query}`);
        if (!response.ok || mine !== latest) return;
        options = (await response.json()).found;
        isWaiting = false;
        if (takesFirst && options.length) { takesFirst = false; choose(options[0]); return; }
        found.replaceChildren(...(options.length ? options.map((one, position) => make("li", { id: `${id}-found-${position}`, attrs: { role: "option" }, onmousedown: (event) => { event.preventDefault(); choose(one); } },
          make("span", { textContent: one.name }), make("small", { textContent: one.detail }))) : [make("li", { className: "bw-quiet", textContent: "Nothing found" })]));
        found.hidden = false; box.setAttribute("aria-expanded", "true"); mark(options.length ? 0 : -1);
      };
      types.addEventListener("change", refresh);
      reach.addEventListener("change", refresh);
      box.addEventListener("focus", look);
      box.addEventListener("blur", close);
      // Enter before the answer is there means the first of what is found, never of what was shown.
      box.addEventListener("input", () => { clearTimeout(timer); close(); latest++; isWaiting = true; takesFirst = false; timer = setTimeout(look, 200); });
      box.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown") { event.preventDefault(); found.hidden ? look() : mark(at + 1); }
        else if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
        else if (event.key === "Escape" && !found.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
        else if (event.key === "Enter") { event.preventDefault(); if (isWaiting) takesFirst = true; else if (!found.hidden && options[at]) choose(options[at]); }
      });
      button.addEventListener("click", () => put(reach.value === "groups" ? `${types.value}/group/*` : types.value));
      refresh();
      return make("div", { className: "bw-picker" }, types, reach, search, button);
    }
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-statements]").forEach((root) => new Editor(root)));
})();
