// Settings whose choices a system outside has: asked for when the field is entered, once.
document.addEventListener("focusin", async (event) => {
  const field = event.target;
  const address = field.dataset && field.dataset.liveChoices;
  if (!address || field.list) return;
  const list = document.createElement("datalist");
  list.id = `${field.id}_choices`;
  field.after(list);
  field.setAttribute("list", list.id);
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    for (const choice of (await answer.json()).choices) {
      list.append(new Option(choice.name, choice.id));
    }
  } catch {
    // The field takes what is typed.
  }
});
