import { useState } from "react";
import { useApiKey } from "../../shared/apiKeyStore";
import { Button } from "../../shared/Button";
import { Dialog } from "../../shared/Dialog";
import { useSettings } from "../../shared/settings";
import icon from "../../icon.svg";
import { useMedia } from "../../shared/useMedia";
import { KeyForm } from "../states/KeyForm";
import type { ChangeView } from "../useView";
import type { View } from "../view";
import { CopyLink } from "./CopyLink";
import { LayerSelect } from "./LayerSelect";
import "./header.css";

/** Name, layer, and the actions of the page. Small screens have the actions in a menu. */
export function Header({
  view,
  change,
  link,
  onTable,
}: {
  view: View;
  change: ChangeView;
  /** The address of what is seen. */
  link: () => string;
  onTable: () => void;
}) {
  const [open, setOpen] = useState<"key" | "menu" | null>(null);
  const isSmall = useMedia("(max-width: 759px)");
  const { playground } = useSettings();
  const hasKey = useApiKey() !== "";
  const close = () => setOpen(null);
  const actions = (
    <>
      <CopyLink link={link} />
      <Button onClick={() => setOpen("key")}>{hasKey ? "API key: set" : "API key"}</Button>
      {playground && (
        <a className="button" href="playground">
          Playground
        </a>
      )}
      <a className="button" href="admin">
        Admin
      </a>
    </>
  );
  return (
    <header className="header">
      <h1 className="brand">
        <img src={icon} alt="" width="26" height="26" /> <span>airgraph</span>
      </h1>
      <LayerSelect
        layer={view.layer}
        onChange={(layer) => change({ layer, steps: null, classes: null })}
      />
      <div className="header-actions">
        <Button aria-pressed={view.tab === "table"} onClick={onTable}>
          Table
        </Button>
        {isSmall ? (
          <Button aria-label="Menu" aria-haspopup="dialog" onClick={() => setOpen("menu")}>
            <span aria-hidden="true">☰</span>
          </Button>
        ) : (
          actions
        )}
      </div>
      {open === "menu" && (
        <Dialog title="airgraph" onClose={close}>
          <div className="menu">{actions}</div>
        </Dialog>
      )}
      {open === "key" && (
        <Dialog title="API key" onClose={close}>
          <KeyForm onDone={close} />
        </Dialog>
      )}
    </header>
  );
}
