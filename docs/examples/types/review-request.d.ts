// Made from docs/schemas by `make types`.

/**
 * Body of `POST {BULI2_API_URL}/internal/reviews`. It may come twice, with the same `reviewId`.
 */
export interface ReviewRequest {
  documentId: string;
  userId: string;
  documentType: "KTP" | "NPWP";
  /**
   * The fields that were read, and no others.
   */
  parsedData: KtpFields | NpwpFields;
  /**
   * 0 to 100.
   */
  aiScore: number | null;
  /**
   * The text of the page.
   */
  ocrText: string | null;
  correlationId: string;
  metadata: ReviewMetadata;
  /**
   * The same as `aiScore`.
   */
  score: number | null;
  decision: "auto_approve" | "needs_review";
  /**
   * Codes of what a person should look at.
   */
  reasons: (
    | "blurred"
    | "glare"
    | "cut_off"
    | "text_too_small"
    | "too_dark"
    | "unclear"
    | "unreadable"
    | "wrong_document_type"
    | "mirrored"
    | "several_cards"
    | "missing_fields"
    | "nik_birth_date_mismatch"
    | "nik_gender_mismatch"
    | "nik_implausible"
    | "nik_unknown_region"
    | "nik_unconfirmed"
    | "npwp_implausible"
    | "npwp_nik_mismatch"
    | "low_confidence_nik"
    | "low_confidence_npwp"
    | "low_confidence_name"
    | "low_confidence_birth_place"
    | "low_confidence_birth_date"
    | "low_confidence_gender"
    | "low_confidence_address"
    | "low_confidence_religion"
    | "low_confidence_marital_status"
  )[];
  /**
   * Id of the row in `manual_reviews`, the same in every repeat; left out if that table cannot be written.
   */
  reviewId?: string;
  /**
   * Where to post the decision; left out without `reviewId`, and if `BULI2_CALLBACK_URL` is unset.
   */
  callbackUrl?: string;
}
/**
 * Fields of a KTP in `parsedResult` and `result_json`; one that could not be read is left out.
 */
export interface KtpFields {
  /**
   * 16 digits.
   */
  nik?: string;
  name?: string;
  birthPlace?: string;
  /**
   * `DD-MM-YYYY`, as printed.
   */
  birthDate?: string;
  /**
   * `LAKI-LAKI` or `PEREMPUAN`.
   */
  gender?: string;
  address?: string;
  religion?: string;
  maritalStatus?: string;
  bloodType?: string;
  /**
   * `001/002`: neighbourhood and hamlet.
   */
  rtRw?: string;
  village?: string;
  district?: string;
  occupation?: string;
  nationality?: string;
  /**
   * `DD-MM-YYYY` or `SEUMUR HIDUP`.
   */
  validUntil?: string;
  province?: string;
  city?: string;
}
/**
 * Fields of an NPWP in `parsedResult` and `result_json`; one that could not be read is left out.
 */
export interface NpwpFields {
  /**
   * `12.345.678.9-012.345` (15 digits), or 16 digits on cards since 2024.
   */
  npwpNumber?: string;
  name?: string;
  nik?: string;
  address?: string;
  /**
   * `DD-MM-YYYY`.
   */
  registeredAt?: string;
}
/**
 * Where the file lies, and what the reviewer's screen can show.
 */
export interface ReviewMetadata {
  /**
   * The last part of `r2Key`; empty if the row names no usable file.
   */
  originalFilename: string;
  /**
   * Key of the file in the bucket; empty if the row names no usable file.
   */
  r2Key: string;
  /**
   * Time of sending, ISO 8601 in UTC.
   */
  submittedAt: string;
  /**
   * Added by this service: for each reason what can be done about it, in Indonesian.
   */
  reviewAdvice: string[];
  /**
   * Added by this service: the fields to look at, by their key in `parsedData`, with what each is worth and where it stands.
   */
  doubtfulFields: {
    [k: string]: FieldDetail;
  };
}
/**
 * What one field is worth, and where it stands.
 */
export interface FieldDetail {
  /**
   * The engine's confidence, lowered by each repair, 0 to 1.
   */
  confidence?: number;
  /**
   * Of the fields that count for the score: estimate that the value is right, 0 to 1.
   */
  probability?: number;
  /**
   * Left, top, right and bottom as shares, 0 to 1, of the page as viewers show it, with a picture's EXIF orientation applied; left out if the place is not known.
   */
  box?: number[];
  /**
   * Number of the page among those that were read, from 1.
   */
  page?: number;
}
