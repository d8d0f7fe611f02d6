/** How near WebGPU's kernels must be to tfjs's. */

/**
 * Everything else is as near as on the CPU: sums of float32. WGSL asks sin and cos for an absolute error of 2⁻¹¹ within
 * a turn; the tangent divides them, and its slope by a square of 0.3 and more.
 */
export const WEBGPU_TOLERANCE: Record<string, number> = { Sin: 2 ** -11, Cos: 2 ** -11, Tan: 2 ** -8 };

/** Rows that make what they test for by a logarithm of zero or less, which WGSL leaves open. */
export const OPEN_IN_WGSL = new Set(['IsNan', 'IsFinite']);
