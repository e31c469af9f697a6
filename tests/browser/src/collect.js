// Steps through the page from the start to the end and returns what it shows at each step: numbers in the text and in the panel, and the
// numbers in the drawing that have changed.
(() => {
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const slider = document.getElementById("slider");
  const before = new Map();
  const marked = (id) => [...document.querySelectorAll(`#${id} [data-kind]`)].map((n) =>
    [n.dataset.kind, n.dataset.node, n.dataset.at ?? "0", n.title, n.textContent, n.closest("li") ? [...n.closest("ol").children].indexOf(n.closest("li")) : null]);
  const steps = [];
  press("Home");
  for (;;) {
    const drawn = [];
    for (const n of document.querySelectorAll("#graph [data-kind]")) {
      if (before.get(n) === n.textContent) continue;
      before.set(n, n.textContent);
      drawn.push([n.dataset.kind, n.dataset.node, n.textContent]);
    }
    steps.push({ at: Number(slider.value), drawn, text: marked("text"), panel: marked("panel") });
    const at = slider.value;
    press("ArrowRight");
    if (slider.value === at) return JSON.stringify(steps);
  }
})()
