/* What numbers of units cost, drawn from the server's exact answer, with a table under it. */
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (points) => {
    const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "polyline");
    const xs = points.map(([x]) => Number(x)), ys = points.map(([, y]) => Number(y));
    const low = Math.min(0, ...ys), high = Math.max(0, ...ys), wide = xs.at(-1) || 1, tall = high - low || 1;
    line.setAttribute("points", xs.map((x, at) => `${(x / wide) * 600},${160 - ((ys[at] - low) / tall) * 150}`).join(" "));
    for (const [key, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": 2, "vector-effect": "non-scaling-stroke" })) line.setAttribute(key, value);
    svg.setAttribute("viewBox", "0 0 600 165"); svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img"); svg.setAttribute("aria-label", "What units cost");
    svg.append(line);
    return svg;
  };
  window.priceCurve = async (node, address, token, asked, currency) => {
    const mine = node.asked = (node.asked || 0) + 1;
    let answer;
    try {
      const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": token }, body: JSON.stringify(asked) });
      answer = await response.json();
    } catch { answer = { problem: "The curve could not be fetched." }; }
    if (mine !== node.asked) return;
    if (answer.problem) { node.replaceChildren(Object.assign(document.createElement("p"), { className: "bw-quiet", textContent: answer.problem })); return; }
    const table = Object.assign(document.createElement("table"), { className: "bw-table" });
    answer.table.forEach(([units, amount]) => {
      const row = table.insertRow();
      row.insertCell().textContent = `${units} units`;
      Object.assign(row.insertCell(), { className: "bw-right", textContent: `${amount} ${currency}` });
    });
    node.replaceChildren(draw(answer.points), table);
  };
})();
