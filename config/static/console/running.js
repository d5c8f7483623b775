// The panel of running tasks in the header. Asks again only while something runs and somebody looks:
// a page left open must not keep its session alive for ever.
(() => {
  "use strict";
  const AGAIN_AFTER = 2000;

  const piece = (name, attributes, ...inside) => {
    const made = document.createElement(name);
    Object.assign(made, attributes);
    made.append(...inside);
    return made;
  };

  const shown = (task) => {
    const bar = piece("i", {});
    bar.style.width = task.percent + "%";
    return piece("div", { className: "bw-job" },
      piece("a", { className: "bw-link", href: task.url, textContent: task.what }),
      piece("div", { className: "bw-progress" }, bar),
      piece("p", { className: "bw-quiet", textContent: task.words }));
  };

  const follow = (panel) => {
    const count = panel.querySelector("[data-count]"), list = panel.querySelector("[data-tasks]");
    let timer = null;
    const ask = async () => {
      clearTimeout(timer);
      let tasks = [];
      try {
        const answer = await fetch(panel.dataset.runningUrl, { headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) return; // logged out, or not let in any more
        tasks = (await answer.json()).tasks;
      } catch { /* the server is away: as if nothing ran, until somebody opens the panel */ }
      panel.classList.toggle("bw-busy", tasks.length > 0);
      panel.querySelector("[data-icon]").textContent = tasks.length ? "progress_activity" : "task_alt";
      count.textContent = tasks.length || "";
      list.replaceChildren(...(tasks.length ? tasks.map(shown)
        : [piece("p", { className: "bw-quiet", textContent: "Nothing runs." })]));
      if (tasks.length && !document.hidden) timer = setTimeout(ask, AGAIN_AFTER);
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && panel.classList.contains("bw-busy")) ask();
    });
    panel.addEventListener("toggle", () => { if (panel.open) ask(); });
    document.addEventListener("click", (event) => { if (!panel.contains(event.target)) panel.open = false; });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") panel.open = false; });
    ask();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-running-url]").forEach(follow);
  });
})();
