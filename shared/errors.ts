/**
 * One catalogue of errors. A code is stable: scripts and documentation may rely on it (docs/errors.md lists exactly
 * these, a test compares them). `message` says what was wrong and where, `hint` what to do about it.
 */
export const ERROR_CODES = {
  // a review, or any JSON that comes from outside
  'json-invalid': 'The text is not valid JSON.',
  'json-duplicate-key': 'An object has the same key twice, so its meaning is not certain.',
  'json-too-deep': 'The document is nested deeper than can be processed.',
  'review-invalid': 'The document is not an admission.k8s.io/v1 AdmissionReview with a request.',
  'audit-invalid': 'The document is not an audit.k8s.io event of a request.',
  'review-incomplete':
    'The review does not tell of which object it is, or what is asked for, so it cannot be recorded.',
  'body-too-large': 'The request body is larger than two objects can be.',
  'body-incomplete': 'The connection ended before the whole body had arrived.',
  'content-type-unsupported': 'The Content-Type is not application/json.',
  'caller-unknown': 'The caller does not prove to be the API server.',
  'method-not-allowed': 'The path does not answer this HTTP method.',
  'not-found': 'There is nothing at this path.',
  'not-acceptable': 'The answer is not offered in a form that the client takes.',
  'object-invalid': 'The document is not a Kubernetes object with apiVersion, kind and a name.',
  // the ledger
  'ledger-missing': 'There is no ledger file at this path.',
  'ledger-foreign': 'The file is not a Kubeblame ledger.',
  'ledger-newer': 'The ledger was written by a newer version.',
  'ledger-damaged': 'The ledger file is damaged.',
  'ledger-locked': 'Another server is writing to this ledger.',
  'ledger-unwritable': 'The ledger cannot be written.',
  'ledger-full': 'The disk that the ledger is on is full.',
  'ledger-out-of-order': 'The input is older than what the ledger already holds.',
  'sqlite-missing': 'This installation cannot read ledger files.',
  'database-unavailable': 'The database of the hub cannot be used.',
  'key-missing': 'The key that Secret values are redacted with is missing.',
  overloaded: 'More reviews wait to be stored than there is room for; or a question would be answered without them.',
  closing: 'The server is shutting down.',
  // configuration and input files
  'config-invalid': 'The configuration has a value that cannot be used.',
  'input-invalid': 'An input file has a line that cannot be used.',
  // proof
  'proof-failed': 'The history is not the one that was recorded.',
  'output-failed': 'A file cannot be written.',
  'stdout-failed': 'The output could not be written to its end.',
  // asking
  'usage-invalid': 'The command line cannot be understood.',
  'type-unknown': 'No resource type has this name.',
  'name-unknown': 'The ledger has no object of this name.',
  'time-invalid': 'The time cannot be read.',
  'time-uncovered': 'The time lies before the first record.',
  'field-invalid': 'The path of a field cannot be read.',
  'field-unknown': 'The object never had such a field.',
  'field-absent': 'The object did not have this field at that time.',
  'selector-invalid': 'The label selector cannot be read.',
  'undo-incomplete': 'Not all of a change can be undone.',
  'query-invalid': 'A query parameter cannot be used.',
  'server-unreachable': 'The server cannot be reached.',
  unauthorized: 'The server does not accept the token.',
  forbidden: 'The user may not read this.',
  'access-unknown': 'The API server cannot be asked who may read.',
  'not-installed': 'The cluster has no Kubeblame.',
  'cluster-unusable': 'The kubeconfig names no cluster that can be asked.',
  'server-error': 'The server failed to answer.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error that a user can do something about. Knows neither HTTP status nor exit code: the edges map the code. */
export class KubeblameError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KubeblameError';
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
