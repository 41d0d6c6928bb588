import { CopyButton } from "../ui/CopyButton";
import type { DeviceSetting } from "./deviceSettings";

/** The setting of a device, each value with a button to copy it. */
export function SettingView({ setting }: { setting: DeviceSetting }) {
  const { where, fields, text, note, docs } = setting;
  return (
    <div className="setting">
      <p>{where}</p>
      {fields.length > 0 && (
        <dl className="setting-fields">
          {fields.map(({ label, value }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <code>{value}</code>
                <CopyButton text={value} label={label} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {text !== undefined && (
        <div className="setting-text">
          <pre className="code" tabIndex={0} aria-label="Text to paste">
            {text}
          </pre>
          <CopyButton text={text} label="the text" />
        </div>
      )}
      {note !== undefined && <p className="hint">{note}</p>}
      <p className="hint">
        Documentation: <code>docs/sensors/{docs}.md</code>
      </p>
    </div>
  );
}
