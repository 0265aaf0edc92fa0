import { useEffect, useReducer } from "preact/hooks";
import type { Reading, ReadingState } from "./reading";

/** The reading's state; renders again at each change. */
export function useReading(reading: Reading): ReadingState {
  const [, again] = useReducer((n: number, _: undefined) => n + 1, 0);
  useEffect(() => reading.subscribe(() => again(undefined)), [reading]);
  return reading.state;
}
