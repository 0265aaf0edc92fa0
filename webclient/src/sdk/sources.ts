import type { Source } from "./types";

/** What a member can send, in the order of the sections. */
export const SOURCES: readonly Source[] = ["mic", "camera", "screen"];

/** One value for each source. */
export type PerSource<T> = Record<Source, T>;

export const perSource = <T>(value: T): PerSource<T> => ({ mic: value, camera: value, screen: value });
