const DIRECTIONS: Record<string, readonly [number, number]> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  KeyW: [0, -1],
  KeyS: [0, 1],
  KeyA: [-1, 0],
  KeyD: [1, 0],
};

/** Keys that are typed into a field, or that work a control, are not orders to walk. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target?.closest("input, textarea, select, [contenteditable], [role=listbox], [role=menu]") != null;
}

/**
 * Tells which way the held direction keys point, each time that changes. Returns the function that stops listening.
 * Codes, not characters: WASD lies where W, A, S and D lie on the keyboard, whatever is printed on it.
 */
export function listenToKeys(steer: (x: number, y: number) => void): () => void {
  const held = new Set<string>();
  const tell = () => {
    let x = 0;
    let y = 0;
    for (const code of held) {
      const [dx, dy] = DIRECTIONS[code] ?? [0, 0];
      x += dx;
      y += dy;
    }
    steer(Math.sign(x), Math.sign(y));
  };
  const down = (event: KeyboardEvent) => {
    if (!(event.code in DIRECTIONS) || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    event.preventDefault();
    if (held.has(event.code)) return;
    held.add(event.code);
    tell();
  };
  const up = (event: KeyboardEvent) => {
    if (held.delete(event.code)) tell();
  };
  // A key that is released while another window has the focus is never heard of.
  const release = () => {
    if (held.size === 0) return;
    held.clear();
    tell();
  };
  window.addEventListener("keydown", down);
  window.addEventListener("keyup", up);
  window.addEventListener("blur", release);
  return () => {
    window.removeEventListener("keydown", down);
    window.removeEventListener("keyup", up);
    window.removeEventListener("blur", release);
  };
}
