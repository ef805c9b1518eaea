"use strict";
// One choice of candidate for all switches of a measurement.
document.addEventListener("change", (event) => {
  const chosen = event.target;
  if (!chosen.matches || !chosen.matches(".switch > input")) return;
  for (const other of document.querySelectorAll(".switch > input")) {
    if (other !== chosen && other.dataset.measurement === chosen.dataset.measurement && other.value === chosen.value) other.checked = true;
  }
});
// A link into a closed block opens it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let block = target; block; block = block.parentElement) if (block.tagName === "DETAILS") block.open = true;
  if (target) target.scrollIntoView();
}
window.addEventListener("hashchange", reveal);
if (location.hash) reveal();
// Priors and treatment belong on paper; the long figures of the sampling do not.
const closed = [];
window.addEventListener("beforeprint", () => {
  for (const block of document.querySelectorAll("details:not([open], .long)")) { block.open = true; closed.push(block); }
});
window.addEventListener("afterprint", () => { for (const block of closed.splice(0)) block.open = false; });
// A figure opens large; Escape closes it.
const zoom = document.querySelector("dialog.zoom");
const stage = zoom.querySelector(".zoomed");
function enlarge(svg) {
  stage.replaceChildren(svg.cloneNode(true));
  zoom.showModal();
}
for (const svg of document.querySelectorAll(".fig .box > svg")) {
  svg.classList.add("zoomable");
  svg.tabIndex = 0;
  svg.addEventListener("click", () => enlarge(svg));
  svg.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(svg); });
}
zoom.addEventListener("click", (event) => { if (event.target === zoom || event.target.classList.contains("close")) zoom.close(); });
zoom.addEventListener("close", () => stage.replaceChildren());
