import { useEffect, useReducer, useState } from "preact/hooks";
import type { Office, OfficeEvents } from "../../sdk";

/** Renders again at each of these events. The office's objects are live, so reading them then is enough. */
export function useOfficeEvents(office: Office, ...events: (keyof OfficeEvents)[]): void {
  const [, again] = useReducer((n: number, _: undefined) => n + 1, 0);
  const names = events.join();
  useEffect(() => {
    const undo = (names.split(",") as (keyof OfficeEvents)[]).map((event) => office.on(event, () => again(undefined)));
    again(undefined);
    return () => {
      for (const off of undo) off();
    };
  }, [office, names]);
}

/** Whether the window is narrower than that; follows turns of a phone. */
export function useNarrow(pixels: number): boolean {
  const [narrow, setNarrow] = useState(() => window.innerWidth < pixels);
  useEffect(() => {
    const query = matchMedia(`(max-width: ${pixels - 1}px)`);
    const tell = () => setNarrow(query.matches);
    tell();
    query.addEventListener("change", tell);
    return () => query.removeEventListener("change", tell);
  }, [pixels]);
  return narrow;
}

/** True at once, false only after the value was false for that long: what flickers for a moment is not shown to. */
export function useLinger(value: boolean, ms: number): boolean {
  const [shown, setShown] = useState(value);
  useEffect(() => {
    if (value) {
      setShown(true);
      return;
    }
    const timer = setTimeout(() => setShown(false), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return value || shown;
}
