// Before anything is drawn: the theme that was chosen last, or the machine's own; and no token in the address line.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage may be forbidden */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  const here = new URL(location.href);
  if (here.searchParams.has("open")) {
    here.searchParams.delete("open");
    history.replaceState(null, "", here);
  }
})();
