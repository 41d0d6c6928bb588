import { describeFailure, type Failure } from "../../shared/failure";

/** Why a form was not accepted, beside its buttons. */
export function Failed({ failure }: { failure: Failure | undefined }) {
  if (!failure) {
    return null;
  }
  const { title, detail } = describeFailure(failure);
  return (
    <p className="form-failure" role="alert">
      <strong>{title}.</strong> {detail}
    </p>
  );
}
