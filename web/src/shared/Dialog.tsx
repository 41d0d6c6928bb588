import { type ReactNode, useEffect, useId, useRef } from "react";
import { Button } from "./Button";

/** A modal dialog. The browser traps the focus, closes it on Escape and returns the focus. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={heading}
      onClose={onClose}
      // Escape closes the dialog alone, not what it was opened from.
      onKeyDown={(event) => event.key === "Escape" && event.stopPropagation()}
    >
      <header className="dialog-header">
        <h2 id={heading}>{title}</h2>
        <Button look="quiet" aria-label="Close" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </Button>
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
