// The milliseconds of every step of the page, with style and layout.
(() => {
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const slider = document.getElementById("slider");
  press("Home");
  const times = [];
  while (slider.value !== slider.max) {
    const start = performance.now();
    press("ArrowRight");
    document.body.getBoundingClientRect();
    document.querySelector("#graph svg").getBBox();
    times.push(performance.now() - start);
  }
  return JSON.stringify(times);
})()
