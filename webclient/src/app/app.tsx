import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Farewell, farewellOf } from "./office/notices";
import { Visit } from "./office/visit";
import type { Params } from "./params";
import { logIn, type Person, type Session, storedPerson, storedSession, storePerson, storeSession } from "./session";
import { Login } from "./ui/login";
import { OfficeScreen } from "./ui/office-screen";

interface Props {
  params: Params;
  /** Told of each visit and of its end; tests and demos reach it this way. */
  onVisit(visit: Visit | undefined): void;
}

/** Entrance, office, farewell: which of them is shown, and the one visit there is. */
export function App({ params, onVisit }: Props) {
  const [visit, setVisit] = useState<Visit>();
  const [farewell, setFarewell] = useState<Farewell>();
  const [message, setMessage] = useState("");
  const session = useRef<Session>(undefined);
  const begun = useRef(false);

  const begin = useCallback(
    (next: Session) => {
      session.current = next;
      storeSession(next);
      setFarewell(undefined);
      const made = new Visit(next, params);
      made.subscribe(() => {
        const { ending } = made.state;
        if (!ending) return;
        made.close();
        onVisit(undefined);
        setVisit((current) => (current === made ? undefined : current));
        // A token that is no longer good is not worth keeping for the next reload.
        if (ending.code !== "replaced") storeSession(undefined);
        setFarewell(farewellOf(ending));
      });
      setVisit(made);
      onVisit(made);
      void made.enter();
    },
    [params, onVisit],
  );

  const enter = useCallback(
    async (person: Person) => {
      storePerson(person);
      begin(await logIn(person, params));
    },
    [begin, params],
  );

  const leave = useCallback(() => {
    visit?.close();
    onVisit(undefined);
    setVisit(undefined);
    storeSession(undefined);
    setMessage("");
  }, [visit, onVisit]);

  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    const known = storedSession();
    if (known && !params.token) {
      begin(known);
    } else if (params.auto || params.token) {
      const person = storedPerson();
      enter({ name: params.name || person.name || "Guest", avatarId: params.avatar || person.avatarId || "sky" }).catch(
        (e) => setMessage(e instanceof Error ? e.message : String(e)),
      );
    }
  }, [begin, enter, params]);

  if (visit) return <OfficeScreen key={visit.key} visit={visit} wantedZone={params.zone} onLeave={leave} />;
  if (farewell) {
    const act = () => {
      if (farewell.action === "reload") location.reload();
      else if (farewell.action === "again" && session.current) begin(session.current);
      else setFarewell(undefined);
    };
    return (
      <main class="login">
        <div class="card farewell" role="alert">
          <h1>{farewell.title}</h1>
          <p>{farewell.text}</p>
          <button type="button" class="primary" onClick={act}>
            {farewell.label}
          </button>
        </div>
      </main>
    );
  }
  const person = storedPerson();
  const initial = {
    name: params.name || person.name,
    avatarId: params.avatar || person.avatarId,
  };
  return <Login key={message} initial={initial as Partial<Person>} message={message} onEnter={enter} />;
}
