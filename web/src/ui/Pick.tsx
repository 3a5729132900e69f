import { ChevronDown } from "lucide-react";
import { Button } from "./Button";
import { Menu, MenuChoice } from "./Menu";

export interface Option<T extends string> {
  value: T;
  label: string;
  hint: string;
}

/** One of a few, each with a line about what it means. */
export function Pick<T extends string>({
  label,
  value,
  options,
  onChange,
  disabled = false,
}: {
  /** What is chosen, for those who do not see where it stands. */
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  disabled?: boolean;
}) {
  const chosen = options.find((option) => option.value === value)?.label ?? value;
  return (
    <Menu
      align="end"
      trigger={
        <Button
          aria-label={`${label}: ${chosen}`}
          data-value={value}
          disabled={disabled}
          className="sm:min-w-24"
        >
          <span className="flex-1 text-left">{chosen}</span>
          <ChevronDown size={12} className="text-ink-3" />
        </Button>
      }
    >
      {options.map((option) => (
        <MenuChoice
          key={option.value}
          chosen={option.value === value}
          label={option.label}
          hint={option.hint}
          onSelect={() => {
            if (option.value !== value) onChange(option.value);
          }}
        />
      ))}
    </Menu>
  );
}
