import { useMemo, useState } from "react";
import { Button } from "../../shared/Button";
import { plural } from "../../shared/format";
import { Skeleton } from "../../shared/Status";
import type { Content, MapItem } from "../data/content";
import type { Colouring } from "../legend/colouring";
import { layerLabel, layerUnit } from "../layer";
import { subjectKey, type View } from "../view";
import { DEFAULT_SORT, type Group, rowsOf, type Sort } from "./rows";
import { TableRow } from "./TableRow";
import "./table.css";

interface MapTableProps {
  view: View;
  content: Content;
  colouring: Colouring;
  now: number;
  loading: boolean;
  onOpen: (item: MapItem, add: boolean) => void;
  onShow: (item: MapItem) => void;
  onClose: () => void;
}

const GROUPS: readonly { group: Group; noun: string; third: string }[] = [
  { group: "devices", noun: "device", third: "Age" },
  { group: "trips", noun: "trip", third: "Start" },
  { group: "cells", noun: "cell", third: "Values" },
];
/** Rows that are rendered at first, and more at a time. */
const PAGE_SIZE = 100;

/** What is on the map as a table, with the same actions. */
export function MapTable(props: MapTableProps) {
  const { view, content, colouring, now, loading, onOpen, onShow, onClose } = props;
  const [group, setGroup] = useState<Group>("devices");
  const [sort, setSort] = useState<Sort>(DEFAULT_SORT);
  const [limit, setLimit] = useState(PAGE_SIZE);
  const rows = useMemo(() => rowsOf(content, group, sort), [content, group, sort]);
  const valueLabel = [layerLabel(view.layer), layerUnit(view.layer)].filter(Boolean).join(" ");
  const third = GROUPS.find((item) => item.group === group)?.third ?? "";

  const header = (by: Sort["by"], label: string, initial: boolean) => (
    <th
      scope="col"
      aria-sort={sort.by === by ? (sort.descending ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        className="sort"
        onClick={() => setSort({ by, descending: sort.by === by ? !sort.descending : initial })}
      >
        {label}
        <span aria-hidden="true" className="sort-arrow">
          {sort.by === by ? (sort.descending ? "▼" : "▲") : ""}
        </span>
      </button>
    </th>
  );

  return (
    <section className="pane table-pane" aria-labelledby="table-title">
      <header className="pane-header">
        <h2 id="table-title" tabIndex={-1}>
          On the map
        </h2>
        <Button look="quiet" aria-label="Close the table" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </Button>
      </header>
      <div className="groups" role="group" aria-label="Rows">
        {GROUPS.map((item) => (
          <Button
            key={item.group}
            aria-pressed={group === item.group}
            onClick={() => {
              setGroup(item.group);
              setLimit(PAGE_SIZE);
            }}
          >
            {plural(content[item.group].length, item.noun)}
          </Button>
        ))}
      </div>
      <div className="pane-body" tabIndex={-1}>
        {loading ? (
          <Skeleton lines={8} label="Loading the table" />
        ) : (
          <table className="data">
            <thead>
              <tr>
                {header("name", "Name", false)}
                {header("value", valueLabel, true)}
                {header("time", third, true)}
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, limit).map((item) => (
                <TableRow
                  key={subjectKey(item.subject)}
                  item={item}
                  view={view}
                  colouring={colouring}
                  now={now}
                  onOpen={onOpen}
                  onShow={onShow}
                />
              ))}
            </tbody>
          </table>
        )}
        {!loading && rows.length === 0 && <p className="pane-note">None on the map.</p>}
        {rows.length > limit && (
          <Button className="more" onClick={() => setLimit(limit + PAGE_SIZE)}>
            Show {Math.min(PAGE_SIZE, rows.length - limit)} more of {rows.length}
          </Button>
        )}
      </div>
    </section>
  );
}
