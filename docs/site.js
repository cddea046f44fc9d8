// What scrolls sideways can be reached by keyboard: code, tables and pictures that are wider than the page.
function reachable() {
  for (const one of document.querySelectorAll(".md-typeset pre > code, .md-typeset__scrollwrap, .md-typeset p")) {
    if (one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX !== "visible") one.tabIndex = 0
  }
}
addEventListener("load", reachable)
addEventListener("resize", reachable)
