// Made from docs/schemas by `make types`.

/**
 * One message on the channel `filot:ocr:gpu:results`. A result may come twice, with the same `jobId`.
 */
export type PublishedResult = Success | Failure;

/**
 * The document was read.
 */
export interface Success {
  success: true;
  documentId: string;
  correlationId: string;
  /**
   * Added by this service: the same in every repeat of one result, so that a listener can drop repeats.
   */
  jobId: string;
  /**
   * True only when the text was recognised on a GPU.
   */
  gpuProcessed: boolean;
  processingTimeMs: number;
  /**
   * On success: the text of the page.
   */
  ocrText: string;
  /**
   * On success: the fields that were read, and no others.
   */
  parsedResult: KtpFields | NpwpFields;
  /**
   * On success: 0 to 100.
   */
  score: number;
  decision: "auto_approve" | "needs_review";
  outcome: "auto_approved" | "pending_manual_review";
  /**
   * Added by this service, in repeats for completed rows: the row's `verification_status`, which a person may have changed since; `decision` and `outcome` are what the OCR decided.
   */
  verificationStatus?: string;
  /**
   * Added by this service: codes of what a person should look at.
   */
  reviewReasons: (
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
   * Added by this service: for each reason what can be done about it, in Indonesian and English.
   */
  reviewAdvice: string[];
  /**
   * Added by this service: what each field is worth and where it stands, by its key in `parsedResult`.
   */
  fields?: {
    [k: string]: FieldDetail;
  };
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
/**
 * The document failed for good.
 */
export interface Failure {
  success: false;
  documentId: string;
  correlationId: string;
  /**
   * Added by this service: the same in every repeat of one result, so that a listener can drop repeats.
   */
  jobId: string;
  /**
   * True only when the text was recognised on a GPU.
   */
  gpuProcessed: boolean;
  processingTimeMs: number;
  /**
   * On failure: a sentence for the user, without personal data.
   */
  error: string;
  /**
   * Added by this service, on failure: the stable code of the cause, such as `blank_page`.
   */
  errorCode:
    | "blank_page"
    | "broken_pdf"
    | "cancelled"
    | "empty_file"
    | "encrypted_pdf"
    | "file_breaks_decoder"
    | "file_missing"
    | "file_refused"
    | "file_takes_too_long"
    | "file_too_large"
    | "file_url_unusable"
    | "image_too_large"
    | "image_too_small"
    | "no_file"
    | "no_such_document"
    | "not_an_image"
    | "retries_exceeded"
    | "truncated_image"
    | "unknown_document_type";
}
