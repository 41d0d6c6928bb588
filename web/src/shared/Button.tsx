import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary` for the main action of a form, `quiet` without a border. Default: with a border. */
  look?: "primary" | "quiet";
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look, className, ...rest }: ButtonProps) {
  const classes = ["button", look && `button-${look}`, className].filter(Boolean).join(" ");
  return <button type="button" className={classes} {...rest} />;
}
