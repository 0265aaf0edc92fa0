/** Who is writing, as one reads it below the thread; empty when nobody is. */
export function writing(names: readonly string[]): string {
  const [first, second, ...others] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is writing…`;
  if (others.length === 0) return `${first} and ${second} are writing…`;
  return `${first}, ${second} and ${others.length === 1 ? "one other" : `${others.length} others`} are writing…`;
}

/** A status as one reads it; people may have words of their own. */
export function statusWords(status: string): string {
  return { online: "here", away: "away", busy: "busy" }[status] ?? status;
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? `one ${one}` : `${n} ${many}`;
}

/** When a note was written: the time today, the date before. */
export function when(timestamp: string, now = new Date(), locale?: string): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return "";
  const time = date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === now.toDateString()) return time;
  const year = date.getFullYear() === now.getFullYear() ? undefined : ("numeric" as const);
  return `${date.toLocaleDateString(locale, { day: "numeric", month: "short", year })}, ${time}`;
}
