// The kinds of the numbers that the text shows at each step from `first`, before an answer, and the element that is asked about.
(first, count) => {
  const slider = document.getElementById("slider");
  const questions = [];
  for (let at = first; at < first + count; at++) {
    slider.value = at;
    slider.dispatchEvent(new Event("input"));
    const kinds = [...document.querySelectorAll("#text .num")].map((number) => number.dataset.kind);
    questions.push({ kinds, element: document.getElementById("question").dataset.at });
  }
  return JSON.stringify(questions);
}
