import icon from "../../icon.svg";
import { Button } from "../../shared/Button";
import { useSettings } from "../../shared/settings";
import "./bar.css";

/** The head of the page: links to the other pages, and the end of the session. */
export function Bar({ onSignOut }: { onSignOut?: () => void }) {
  const { playground } = useSettings();
  return (
    <header className="bar">
      <p className="brand">
        <img src={icon} alt="" width="26" height="26" /> <span className="brand-name">airgraph</span>{" "}
        <span className="brand-page">admin</span>
      </p>
      <nav aria-label="Pages">
        <a href="./">Map</a>
        {playground && <a href="playground">Playground</a>}
        <a href="admin" aria-current="page">
          Admin
        </a>
      </nav>
      {onSignOut && (
        <Button look="quiet" onClick={onSignOut}>
          Sign out
        </Button>
      )}
    </header>
  );
}
