import { Button } from "./Button";
import { Message } from "./Status";

/** In place of a part of the page with a defect, or whose files an update of the gateway has removed. */
export function BrokenPart({ error }: { error: Error }) {
  return (
    <Message title="This part of the page failed">
      <p>Reload the page: the gateway may have been updated. The error is “{error.message}”.</p>
      <Button onClick={() => location.reload()}>Reload</Button>
    </Message>
  );
}
