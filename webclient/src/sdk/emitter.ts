/** Typed events. A listener that throws does not keep the others from hearing. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(e: never) => void>>();

  /** Listens until the returned function is called. */
  on<K extends keyof Events>(event: K, f: (e: Events[K]) => void): () => void {
    let set = this.listeners.get(event);
    if (!set) {
      set = new Set();
      this.listeners.set(event, set);
    }
    set.add(f);
    return () => set.delete(f);
  }

  emit<K extends keyof Events>(event: K, e: Events[K]): void {
    for (const f of [...(this.listeners.get(event) ?? [])]) {
      try {
        (f as (e: Events[K]) => void)(e);
      } catch (error) {
        console.error(`atrium: a listener of "${String(event)}" threw`, error);
      }
    }
  }

  /** Whether anybody listens, so that costly events are computed only then. */
  has(event: keyof Events): boolean {
    return (this.listeners.get(event)?.size ?? 0) > 0;
  }

  clear(): void {
    this.listeners.clear();
  }
}
