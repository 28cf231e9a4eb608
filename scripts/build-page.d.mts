/** As plugin/page/assets.ts has it. */
export declare function buildPage(root: string): Promise<[path: string, file: { type: string; text: string }][]>;
