import { useId } from "react";
import { AdminDeviceKeysDocument } from "../../graphql/generated/admin";
import { useDebounced } from "../data/useDebounced";
import { useRequest } from "../data/useRequest";
import type { FieldAttributes } from "./FormField";
import { MAX_SEARCH_LENGTH } from "./SearchInput";

/** An input for the key of a device, with suggestions. */
export function DeviceInput({
  attributes,
  value,
  onChange,
}: {
  attributes: FieldAttributes;
  value: string;
  onChange: (value: string) => void;
}) {
  const list = useId();
  const text = useDebounced(value.trim().slice(0, MAX_SEARCH_LENGTH));
  const { data } = useRequest(AdminDeviceKeysDocument, { filter: text === "" ? null : { text } });
  return (
    <>
      <input
        {...attributes}
        list={list}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={list}>
        {data?.devices.nodes.map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </datalist>
    </>
  );
}
