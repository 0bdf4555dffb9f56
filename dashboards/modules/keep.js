// Keeps what a reader has done to a part of a page while the part is replaced:
// where the focus is, what is opened or closed, and what is typed.

/** Those of a root that are like an element, in their order. */
function alike(root, el) {
  let like = el.localName;
  for (const name of ['href', 'name', 'value']) {
    if (el.hasAttribute(name)) like += `[${name}="${CSS.escape(el.getAttribute(name))}"]`;
  }
  return [...root.querySelectorAll(like)];
}

/** Gives a way to find in a part's new content what an element was in the old. */
function finder(part, el) {
  if (el.id) return () => part.querySelector(`#${CSS.escape(el.id)}`);
  const near = el.parentElement.closest('[id]'); // the part itself, if nothing nearer
  const n = alike(near, el).indexOf(el);
  return () => {
    const now = near === part ? part : part.querySelector(`#${CSS.escape(near.id)}`);
    return now && alike(now, el)[n];
  };
}

const typed = (f) => (f.type === 'checkbox' || f.type === 'radio' ? f.checked !== f.defaultChecked
  : f.localName === 'select' ? [...f.options].some((o) => o.selected !== o.defaultSelected)
    : f.type !== 'hidden' && f.type !== 'file' && f.value !== f.defaultValue);

/** Remembers what was done to a part; gives what puts it back. */
export function keep(part) {
  const back = [];
  for (const d of part.querySelectorAll('details')) {
    const find = finder(part, d);
    const { open } = d;
    back.push(() => { const now = find(); if (now) now.open = open; });
  }
  for (const f of part.querySelectorAll('input, textarea, select')) {
    if (!typed(f)) continue;
    const find = finder(part, f);
    const { value, checked } = f;
    back.push(() => { const now = find(); if (now) Object.assign(now, { value, checked }); });
  }
  const focus = document.activeElement;
  if (focus && focus !== part && part.contains(focus)) {
    const find = finder(part, focus);
    const { selectionStart, selectionEnd } = focus;
    back.push(() => {
      const now = find();
      now?.focus({ preventScroll: true });
      if (selectionStart !== null && selectionStart !== undefined) now?.setSelectionRange?.(selectionStart, selectionEnd);
    });
  }
  return () => { for (const b of back) b(); };
}
