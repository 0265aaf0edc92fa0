import { OfficeError, type Problem, unanswered } from "./problem";
import { ANSWER_MS } from "./requests";

interface Ask {
  readonly type: string;
  readonly about: string;
  readonly promise: Promise<void>;
  resolve(): void;
  reject(e: OfficeError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Requests about someone or something, of which several may be under way: an answer names what it is about, a refusal
 * only the type of the message, so that it goes to the oldest of them (the server answers in order).
 */
export class Asks {
  private open: Ask[] = [];

  /** Asks, unless the same is under way already. Rejects with {@link OfficeError}. */
  ask(type: string, about: string, send: () => void): Promise<void> {
    const same = this.open.find((a) => a.type === type && a.about === about);
    if (same) return same.promise;
    let settle: Pick<Ask, "resolve" | "reject"> | undefined;
    const promise = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const timer = setTimeout(() => this.take((a) => a === ask)?.reject(new OfficeError(unanswered)), ANSWER_MS);
    const ask: Ask = { type, about, promise, timer, ...(settle as Pick<Ask, "resolve" | "reject">) };
    this.open.push(ask);
    send();
    return promise;
  }

  /** It is granted or done. */
  answer(type: string, about: string): void {
    this.take((a) => a.type === type && a.about === about)?.resolve();
  }

  /** The server refused a message of this type; false when nothing of it is under way. */
  refuse(type: string, problem: Problem, about?: string): boolean {
    const ask = this.take((a) => a.type === type && (about === undefined || a.about === about));
    ask?.reject(new OfficeError(problem));
    return ask !== undefined;
  }

  /** No answer comes any more. */
  refuseAll(problem: Problem): void {
    for (const ask of [...this.open]) this.refuse(ask.type, problem, ask.about);
  }

  private take(which: (a: Ask) => boolean): Ask | undefined {
    const ask = this.open.find(which);
    if (!ask) return undefined;
    clearTimeout(ask.timer);
    this.open = this.open.filter((a) => a !== ask);
    return ask;
  }
}
