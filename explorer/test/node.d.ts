/** As much of Node as the build and the tests use. */

declare const process: { argv: string[] };

declare module "node:test" {
  export function test(name: string, run: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  const assert: {
    (value: unknown, message?: string): asserts value;
    equal(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    throws(run: () => unknown, error?: RegExp): void;
  };
  export default assert;
}

declare module "node:zlib" {
  export function deflateSync(bytes: Uint8Array): Uint8Array & { toString(encoding: "base64"): string };
}
