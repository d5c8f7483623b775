/* Small conveniences of the console. Everything works without them but slower. */
(() => {
  // Lists filter while typing: the results are fetched and swapped, focus stays in the box.
  const searchWhileTyping = () => {
    const box = document.querySelector("#changelist-search input[name=q]");
    const list = document.querySelector("#changelist-form");
    if (!box || !list) return;
    let timer, latest = 0;
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const mine = ++latest;
        const url = new URL(window.location);
        box.value ? url.searchParams.set("q", box.value) : url.searchParams.delete("q");
        url.searchParams.delete("p");
        const answer = await fetch(url, { headers: { "X-Requested-With": "fetch" } });
        if (!answer.ok || mine !== latest) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("#changelist-form");
        if (!fresh) return;
        document.querySelector("#changelist-form").replaceWith(fresh);
        // What belongs to the list: its pages and count, and the link that exports it.
        for (const part of ["[data-pages]", "[data-export]"]) {
          const old = document.querySelector(part), next = page.querySelector(part);
          if (old && next) old.replaceWith(next);
        }
        const boxes = fresh.querySelectorAll("tr input.action-select");
        const parent = fresh.closest(".result-list-wrapper");
        if (window.Actions && boxes.length && parent) window.Actions(boxes, { parent });
        history.replaceState(null, "", url);
      }, 300);
    });
  };

  // Entering a name proposes a code, until the code is edited by hand (C0).
  const proposeCodes = () => {
    document.querySelectorAll("[data-code-from]").forEach((code) => {
      const name = code.form && code.form.elements[code.dataset.codeFrom];
      if (!name || code.value) return;
      let touched = false;
      code.addEventListener("input", () => { touched = code.value !== ""; });
      name.addEventListener("input", () => {
        if (touched) return;
        const joint = code.dataset.grammar === "strict" ? "_" : "-";
        const other = joint === "_" ? /[^\p{L}0-9]+/gu : /[^\p{L}\p{M}\p{N}]+/gu;
        // Without the accents of Latin letters; in other scripts they make another letter.
        let made = name.value.normalize("NFD").replace(/(\p{Script=Latin})\p{M}+/gu, "$1").normalize("NFC")
          .toLowerCase().replace(other, joint).replace(/^[-_]+|[-_]+$/g, "");
        if (joint === "_" && /^[0-9]/.test(made)) made = "_" + made;
        code.value = [...made].slice(0, 80).join("");
      });
    });
  };

  // The kind of a price decides which columns its bands show.
  document.addEventListener("alpine:init", () => {
    const select = document.querySelector("select[name=shape]");
    Alpine.store("price", {
      shape: select ? select.value : "CUSTOM_TIERED",
      hasFixed() { return !["TIERED", "VOLUME"].includes(this.shape); },
      hasUnit() { return this.shape !== "STAIRSTEP"; },
    });
  });

  // Buttons that ask before they act. (The content policy lets no inline handlers run.)
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-confirm]");
    if (button && !window.confirm(button.dataset.confirm)) event.preventDefault();
  });

  // A form says which organization its page was of: in another window one may have gone to another.
  document.addEventListener("submit", (event) => {
    const form = event.target, mark = document.querySelector("[data-organization]");
    if (!mark || form.getAttribute("method") !== "post" || form.querySelector("[name=_organization]")) return;
    form.append(Object.assign(document.createElement("input"),
      { type: "hidden", name: "_organization", value: mark.dataset.organization }));
  });

  // Menus that open by a click open by the keyboard too.
  const reachable = () => {
    document.querySelectorAll("#nav-sidebar-inner div").forEach((part) => {
      if (!part.hasAttribute("x-on:click") || part.hasAttribute("tabindex")) return;
      part.tabIndex = 0; part.setAttribute("role", "button");
      part.addEventListener("keydown", (event) => {
        if (event.target === part && ["Enter", " "].includes(event.key)) { event.preventDefault(); part.click(); }
      });
    });
  };

  // Drop-downs that search are named as their field is: they say only what is chosen in them.
  const nameBoxes = () => {
    document.querySelectorAll(".select2-selection[role=combobox]").forEach((box) => {
      const select = box.closest(".select2-container")?.previousElementSibling;
      if (!select || box.hasAttribute("aria-label")) return;
      const label = select.labels?.[0]?.textContent || select.getAttribute("aria-label")
        || select.closest("fieldset, .flex-col, div")?.querySelector("legend, h3, label")?.textContent || select.name;
      box.setAttribute("aria-label", label.replace(/\s+/g, " ").replace(/[:*]/g, "").trim());
      box.removeAttribute("aria-labelledby");
      const shown = box.querySelector(".select2-selection__rendered");
      if (shown?.id) box.setAttribute("aria-describedby", shown.id);
      if (shown) shown.setAttribute("aria-label", box.getAttribute("aria-label"));
    });
  };

  // Buttons that copy; without the clipboard API (plain http) through a selection.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const from = button.dataset.copyFrom;
    const text = from ? document.getElementById(from).textContent : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    const before = button.textContent;
    button.textContent = "copied";
    setTimeout(() => { button.textContent = before; }, 1200);
  });

  // Parts of a page that are shown one at a time: a tab for each [data-tab].
  const showTabs = (box, place) => {
    const parts = [...box.children].filter((one) => one.dataset.tab);
    if (parts.length < 2) return;
    const list = document.createElement("div");
    list.className = "bw-tabs"; list.setAttribute("role", "tablist");
    const tabs = parts.map((part, number) => {
      const tab = Object.assign(document.createElement("button"), { type: "button", textContent: part.dataset.tab, id: `tab-${place}-${number}` });
      part.id ||= `part-${place}-${number}`;
      tab.setAttribute("role", "tab"); tab.setAttribute("aria-controls", part.id);
      part.setAttribute("role", "tabpanel"); part.setAttribute("aria-labelledby", tab.id);
      list.append(tab);
      return tab;
    });
    const choose = (number) => tabs.forEach((tab, each) => {
      const chosen = each === number;
      tab.setAttribute("aria-selected", String(chosen)); tab.tabIndex = chosen ? 0 : -1; parts[each].hidden = !chosen;
    });
    list.addEventListener("click", (event) => { const number = tabs.indexOf(event.target); if (number >= 0) choose(number); });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
      event.preventDefault(); choose(next); tabs[next].focus();
    });
    box.prepend(list); choose(0);
  };

  // Parts that take a while are read after the page; without them their link stays.
  const readPart = async (box) => {
    const answer = await fetch(box.dataset.part).catch(() => null);
    if (answer?.ok && !answer.redirected) box.innerHTML = await answer.text();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-tabs]").forEach(showTabs);
    document.querySelectorAll("[data-part]").forEach(readPart);
  });

  // A choice that shows another page at once.
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submits]")) event.target.form.submit();
  });

  // Enter in a box that searches while typing must not send the form around it.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest("[data-enter-searches]")) event.preventDefault();
  });

  // A running bill job tells its progress until it is finished; then the page is read once more.
  const followJobs = () => {
    document.querySelectorAll("[data-progress-url]").forEach((bar) => {
      const tick = async () => {
        const answer = await fetch(bar.dataset.progressUrl);
        if (!answer.ok) return;
        const job = await answer.json();
        for (const [name, share] of Object.entries(job.shares)) {
          const part = bar.querySelector(`[data-share=${name}]`);
          if (part) part.style.width = share + "%";
        }
        const words = bar.querySelector("[data-words]");
        if (words) words.textContent = job.words;
        if (job.isFinished) { if (bar.dataset.reload) window.location.reload(); return; }
        setTimeout(tick, 1000);
      };
      setTimeout(tick, 600);
    });
  };

  // Charts: the data stand in a script element of type application/json beside the canvas.
  const charts = [];
  const colours = ["#0d9488", "#6366f1", "#d97706", "#db2777", "#65a30d", "#0284c7", "#9333ea", "#78716c"];
  // The day or month that goes on is pale, or dashed: it is no fall.
  const markRunning = (set, running, type, colour) => {
    if (!(running >= 0)) return;
    if (type === "bar") set.backgroundColor = set.data.map((_value, at) => (at >= running ? colour + "55" : colour));
    else set.segment = { borderDash: (part) => (part.p1DataIndex >= running ? [4, 4] : undefined) };
  };
  const drawCharts = (root) => {
    root.querySelectorAll("canvas[data-chart]").forEach((canvas) => {
      const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
      data.datasets.forEach((set, at) => {
        const colour = colours[at % colours.length];
        Object.assign(set, { borderColor: colour, backgroundColor: canvas.dataset.type === "bar" ? colour : colour + "22",
          borderWidth: canvas.dataset.type === "bar" ? 0 : 2, pointRadius: 0, pointHitRadius: 8, tension: 0.25,
          fill: data.datasets.length === 1, maxBarThickness: 28, borderRadius: 3 });
        markRunning(set, data.running, canvas.dataset.type, colour);
      });
      if (data.running >= 0) data.labels[data.running] = [data.labels[data.running], "so far"];
      charts.push(new Chart(canvas, { type: canvas.dataset.type || "line", data, options: {
        responsive: true, maintainAspectRatio: false, animation: false,
        interaction: { mode: "index", intersect: false },
        plugins: { legend: { display: data.legend || data.datasets.length > 1, position: "bottom", labels: { boxWidth: 10, boxHeight: 10, usePointStyle: true } } },
        scales: { x: { stacked: data.stacked, grid: { display: false }, ticks: { maxTicksLimit: 10, maxRotation: 0 } },
                  y: { stacked: data.stacked, beginAtZero: true, ticks: { maxTicksLimit: 6 } } } } }));
    });
    paintCharts();
  };
  const paintCharts = () => {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--bw-quiet").trim();
    const line = style.getPropertyValue("--bw-line").trim();
    charts.forEach((chart) => {
      chart.options.color = text;
      for (const axis of Object.values(chart.options.scales)) { axis.ticks.color = text; axis.grid.color = line; axis.border = { display: false }; }
      if (chart.options.plugins.legend.labels) chart.options.plugins.legend.labels.color = text;
      chart.update("none");
    });
  };

  // "Today" and "Now" beside a date are those of the timezone it is typed in.
  const zonedShortcuts = () => {
    const date = document.querySelector("[data-utc-offset]");
    if (date) document.body.dataset.adminUtcOffset = date.dataset.utcOffset;
  };

  // The theme writes the name of a chosen file into the nearest text field, wherever that is.
  const bareFiles = () => document.querySelectorAll("input[type=file]").forEach((input) => {
    const shown = input.parentNode.parentNode.parentNode.querySelector("input[type=text][disabled]");
    if (!shown) input.hasChangeListener = true;
  });

  window.addEventListener("load", () => setTimeout(nameBoxes));
  document.addEventListener("formset:added", () => setTimeout(nameBoxes));
  document.addEventListener("DOMContentLoaded", () => {
    bareFiles(); zonedShortcuts(); searchWhileTyping(); proposeCodes(); followJobs(); reachable(); drawCharts(document);
    new MutationObserver(paintCharts).observe(document.documentElement, { attributeFilter: ["class"] });
    document.body.addEventListener("htmx:afterSettle", (event) => drawCharts(event.target));
  });
})();
