import { type DragEvent, type FormEvent, useRef, useState } from "react";
import { announce } from "../../shared/announce";
import { Button } from "../../shared/Button";
import type { Failure } from "../../shared/failure";
import { formatShare } from "../../shared/format";
import { PageHeading } from "../shell/PageHeading";
import { useReportFailure } from "../shell/session";
import { formatBytes } from "../ui/bytes";
import { DeviceInput } from "../ui/DeviceInput";
import { Failed } from "../ui/Failed";
import { FormField } from "../ui/FormField";
import { TextField } from "../ui/TextField";
import { FileInput } from "./FileInput";
import { ImportReportView } from "./ImportReportView";
import { type ImportOptions, importUrl } from "./options";
import type { ImportReport } from "./report";
import { upload } from "./upload";
import "./import.css";

/** A running upload. */
interface Running {
  isDryRun: boolean;
  /** Share of the file that is sent, 0 to 1. */
  sent: number;
  controller: AbortController;
}

const MAIN_ACTION = { type: "submit", look: "primary" } as const;

export function ImportPage() {
  const [file, setFile] = useState<File>();
  const [options, setOptions] = useState<ImportOptions>({ device: "", date: "", columns: "" });
  const [running, setRunning] = useState<Running>();
  const [report, setReport] = useState<ImportReport>();
  const [failure, setFailure] = useState<Failure>();
  const [fileError, setFileError] = useState<string>();
  /** The file and options of the latest successful dry run. */
  const [checked, setChecked] = useState("");
  const [isOver, setOver] = useState(false);
  const result = useRef<HTMLElement>(null);
  const reportFailure = useReportFailure();

  const identity = file ? JSON.stringify([file.name, file.size, file.lastModified, options]) : "";
  const isChecked = checked !== "" && checked === identity;

  const send = async (isDryRun: boolean) => {
    if (!file) {
      setFileError("Choose a file.");
      return;
    }
    const controller = new AbortController();
    setRunning({ isDryRun, sent: 0, controller });
    setReport(undefined);
    setFailure(undefined);
    const outcome = await upload(importUrl(location.href, options, isDryRun), file, controller.signal, (sent) =>
      setRunning((before) => before && { ...before, sent }),
    );
    setRunning(undefined);
    if (outcome.kind === "cancelled") {
      announce("Cancelled");
      return;
    }
    setReport(outcome.report);
    if (outcome.kind === "failed") {
      setFailure(outcome.failure);
      reportFailure(outcome.failure);
    } else {
      setChecked(isDryRun ? identity : "");
    }
    setTimeout(() => result.current?.focus());
  };

  const choose = (chosen: File | undefined) => {
    setFile(chosen);
    setFileError(undefined);
    setReport(undefined);
    setFailure(undefined);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files[0]);
  };

  return (
    <>
      <PageHeading title="Import a file" />
      <p className="lead">
        CSV of an SD card, a backup, openSenseMap, Sensor.Community, OpenAQ or AirGradient, or plain columns. Each sample
        is stored once, however often a file is sent.
      </p>
      <form
        className={isOver ? "admin-form drop-target drop-over" : "admin-form drop-target"}
        noValidate
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        onSubmit={(event: FormEvent) => event.preventDefault()}
      >
        <FileInput file={file} error={fileError} isDisabled={running !== undefined} onChoose={choose} />
        <FormField label="Device" hint="Of lines that name none. Needed for files of an SD card or a backup.">
          {(attributes) => (
            <DeviceInput
              attributes={attributes}
              value={options.device}
              onChange={(device) => setOptions({ ...options, device })}
            />
          )}
        </FormField>
        <details>
          <summary>More options</summary>
          <div className="form-columns">
            <FormField
              label="Correct date of the first line"
              hint="When the clock of the logger was wrong. Other lines keep their distance."
            >
              {(attributes) => (
                <input
                  {...attributes}
                  type="date"
                  value={options.date}
                  onChange={({ target }) => setOptions({ ...options, date: target.value })}
                />
              )}
            </FormField>
            <TextField
              label="Renamed columns"
              hint="Such as Zeit:time,Feinstaub:pm10"
              spellCheck={false}
              value={options.columns}
              onChange={(columns) => setOptions({ ...options, columns })}
            />
          </div>
        </details>
        {running ? (
          <Progress running={running} file={file} />
        ) : (
          <div className="actions">
            {/* Enter does what comes next: the dry run, and after it the import. */}
            <Button {...(isChecked ? {} : MAIN_ACTION)} onClick={() => void send(true)}>
              Dry run
            </Button>
            <Button {...(isChecked ? MAIN_ACTION : {})} onClick={() => void send(false)}>
              Import
            </Button>
            <span className="hint">A dry run reads the whole file and stores nothing.</span>
          </div>
        )}
      </form>
      {(report || failure) && (
        <section ref={result} className="section" tabIndex={-1} aria-label="Result">
          <Failed failure={failure} />
          {report && <ImportReportView report={report} isComplete={failure === undefined} />}
        </section>
      )}
    </>
  );
}

function Progress({ running, file }: { running: Running; file: File | undefined }) {
  const { sent, isDryRun, controller } = running;
  const size = file?.size ?? 0;
  const isSent = sent >= 1;
  return (
    <div className="progress">
      <progress aria-label={isDryRun ? "Dry run" : "Import"} {...(isSent ? {} : { value: sent })} max={1} />
      <p>
        {isSent
          ? "Sent. The gateway is reading the rest…"
          : `${formatShare(sent)} sent: ${formatBytes(sent * size)} of ${formatBytes(size)}`}
      </p>
      <Button onClick={() => controller.abort()}>Cancel</Button>
      {!isDryRun && <p className="hint">Samples stored before a cancellation stay stored; the same file continues.</p>}
    </div>
  );
}
