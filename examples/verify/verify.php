<?php
// Whether order changes are ours: the signature of Standard Webhooks, in plain PHP.

const FIVE_MINUTES = 300;

// $secrets: all that are in use; $headers: with names in small letters; $body: as it came, file_get_contents("php://input").
function verify(array $secrets, array $headers, string $body): bool
{
    $id = $headers["webhook-id"] ?? "";
    $time = $headers["webhook-timestamp"] ?? "";
    if (!ctype_digit($time) || abs(time() - (int) $time) > FIVE_MINUTES) {
        return false;
    }
    foreach ($secrets as $secret) {
        $key = base64_decode(preg_replace("/^whsec_/", "", $secret));
        if ($key === "") {
            continue; // anybody could have signed with it
        }
        $ours = "v1," . base64_encode(hash_hmac("sha256", "$id.$time.$body", $key, true));
        foreach (explode(" ", $headers["webhook-signature"] ?? "") as $theirs) {
            if (hash_equals($ours, $theirs)) {
                return true;
            }
        }
    }
    return false;
}
