/** How the page's console begins a line about a notice. */
export const NOTICE = "notice:";

/**
 * Runs in the page before its own code: says on the console what the page's notices say. Some are gone after a few
 * seconds, and a test that is slow to ask would miss them; and asking a page counts as a click, which some wait for.
 */
export function tellNotices(prefix: string): void {
  const said = new WeakMap<Element, string>();
  const look = () => {
    for (const notice of document.querySelectorAll<HTMLElement>("[data-notice]")) {
      const text = notice.textContent ?? "";
      if (said.get(notice) === text) continue;
      said.set(notice, text);
      console.debug(prefix + JSON.stringify([notice.dataset.notice, text]));
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}
