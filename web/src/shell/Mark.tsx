/** Two bunks, and a lamp on the one above. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <path
        d="M5 5v22M27 5v22M5 12.5h22M5 24h22"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <rect x="10" y="7.2" width="12" height="3.4" rx="1.7" fill="var(--accent)" />
      <rect x="10" y="18.6" width="12" height="3.4" rx="1.7" fill="currentColor" opacity=".35" />
    </svg>
  );
}
