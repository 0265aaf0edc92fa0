import { render } from "preact";
import { App } from "./app";
import type { Visit } from "./office/visit";
import { readParams } from "./params";
import "./style/base.css";
import "./style/document.css";
import "./style/login.css";
import "./style/office.css";

declare global {
  interface Window {
    /** For tests and for the curious at the console; the page itself does not read it. */
    atrium?: {
      visit: Visit;
      office: Visit["office"];
      stats: () => ReturnType<Visit["office"]["stats"]>;
      walkTo: (target: { x: number; y: number }) => boolean;
      /** Where a place on the map is in the window, in CSS pixels. */
      toScreen: (place: { x: number; y: number }) => { x: number; y: number } | undefined;
    };
  }
}

const root = document.getElementById("app");
if (root) {
  const params = readParams(location);
  // A token in the address would stay in the history and in screenshots.
  if (params.token) history.replaceState(null, "", location.pathname + location.search);
  const onVisit = (visit: Visit | undefined) => {
    if (visit) {
      window.atrium = {
        visit,
        office: visit.office,
        stats: () => visit.office.stats(),
        walkTo: (target) => visit.map?.walkTo(target) ?? false,
        toScreen: (place) => visit.map?.toScreen(place),
      };
    } else delete window.atrium;
  };
  render(<App params={params} onVisit={onVisit} />, root);
}
