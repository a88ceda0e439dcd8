/**
 * Element's own React, which it puts on the window for modules. The build has this file stand for "react"; the tests and the
 * types have the package. (What JSX becomes, "react/jsx-runtime", needs nothing of it.)
 */
import type * as Whole from "react";

declare global {
    interface Window {
        React?: typeof Whole;
    }
}

/** Importing us must not fail, or Element would not start; `load` looks whether it is there. */
const missing = { Component: Object } as unknown as typeof Whole;
const React = window.React ?? missing;

export const { Component, useEffect, useId, useLayoutEffect, useRef, useState } = React;
