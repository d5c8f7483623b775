/* What was typed into a form and met the end of the session: kept in this tab until one is back. */
(() => {
  const KEY = "bw-unsent";
  const isConsole = () => document.querySelector("[data-organization]") !== null;
  const read = () => { try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; } };
  const forget = () => sessionStorage.removeItem(KEY);

  // Neither secrets nor files: they never stay behind in a browser.
  const keep = (form) => {
    const fields = [...new FormData(form)].filter(([name, value]) => typeof value === "string"
      && name !== "csrfmiddlewaretoken" && ![...form.elements].some((one) => one.name === name && one.type === "password"));
    const left = [...form.elements].some((one) => one.type === "password" || (one.type === "file" && one.value));
    const draft = { path: location.pathname, search: location.search, fields, left, organization: document.querySelector("[data-organization]").dataset.organization };
    try { sessionStorage.setItem(KEY, JSON.stringify(draft)); } catch { forget(); }
  };

  const note = (text, ...buttons) => {
    const bar = Object.assign(document.createElement("div"), { className: "bw-note", role: "status" });
    bar.append(Object.assign(document.createElement("span"), { textContent: text }), ...buttons);
    return bar;
  };
  const button = (text, act) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "bw-button bw-small", textContent: text });
    made.addEventListener("click", act);
    return made;
  };

  const sendAgain = (draft) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action: draft.path + draft.search });
    const token = document.querySelector("[name=csrfmiddlewaretoken]");
    for (const [name, value] of [...draft.fields, ["csrfmiddlewaretoken", token ? token.value : ""]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    forget();
    form.submit();
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (isConsole() && form.getAttribute("method") === "post" && form.querySelector("input:not([type=hidden]), textarea, select")) keep(form);
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    const draft = read();
    if (!draft) return;
    const login = document.querySelector("[data-login]");
    if (login) {
      sessionStorage.setItem(KEY, JSON.stringify({ ...draft, isKept: true }));
      login.prepend(note("Your session has ended. What you sent is kept in this tab; sign in and you can send it again."));
      return;
    }
    if (!isConsole()) return; // a page between the password and the console
    const mark = document.querySelector("[data-organization]").dataset.organization;
    if (!draft.isKept || draft.organization !== mark) { forget(); return; }
    if (draft.path !== location.pathname) return;
    const bar = note("What you sent before your session ended was not saved." + (draft.left ? " Secrets and files have to be given again." : ""),
      button("Send it again", () => sendAgain(draft)), button("Discard it", () => { forget(); bar.remove(); }));
    (document.querySelector("#content-main, #content, #main") || document.body).prepend(bar);
  });
})();
