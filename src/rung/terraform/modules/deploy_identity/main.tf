locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = var.own_provider ? aws_iam_openid_connect_provider.github[0].arn : var.provider_arn

  owner      = split("/", var.repository)[0]
  repository = split("/", var.repository)[1]

  # The classic form and, when the numbers are known, the form that a renamed or remade repository cannot imitate.
  origins = concat(
    ["repo:${var.repository}"],
    var.owner_id == null ? [] : ["repo:${local.owner}@${var.owner_id}/${local.repository}@${var.repository_id}"],
  )

  plan_contexts  = concat(["pull_request"], [for branch in var.plan_branches : "ref:refs/heads/${branch}"])
  plan_subjects  = flatten([for origin in local.origins : [for context in local.plan_contexts : "${origin}:${context}"]])
  apply_subjects = [for origin in local.origins : "${origin}:environment:${var.environment}"]

  roles      = "arn:aws:iam::${var.account_id}:role/${var.role_prefix}*"
  own_roles  = "arn:aws:iam::${var.account_id}:role/${var.name}-*"
  state_arn  = "${var.state_bucket_arn}/${var.state_object}"
  lock_arn   = "${local.state_arn}.tflock"
  boundaries = { StringEquals = { "iam:PermissionsBoundary" = aws_iam_policy.boundary.arn } }

  services    = [for service in sort(distinct(concat(var.services, var.further_services))) : "${service}:*"]
  own_regions = { StringEquals = { "aws:RequestedRegion" = distinct([var.region, "us-east-1"]) } }

  reading_roles = ["iam:Get*", "iam:List*"]

  own_identities = [for kind in ["instance-profile", "role"] : "arn:aws:iam::${var.account_id}:${kind}/*"]
  readable = concat(local.own_identities, [
    "arn:aws:iam::${var.account_id}:oidc-provider/*",
    "arn:aws:iam::${var.account_id}:policy/*",
    "arn:aws:iam::aws:policy/*",
  ])

  making_roles = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy", "iam:PutRolePolicy"]

  changing_roles = [
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:DeleteInstanceProfile",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:TagRole",
    "iam:UntagInstanceProfile",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
  ]

  # Both roles: the state is read.
  state_statements = [
    { Sid = "FindState", Effect = "Allow", Action = "s3:ListBucket", Resource = var.state_bucket_arn },
    { Sid = "ReadState", Effect = "Allow", Action = "s3:GetObject", Resource = local.state_arn },
    { Sid = "DecryptState", Effect = "Allow", Action = "kms:Decrypt", Resource = var.state_key_arn },
  ]
}

# GitHub signs what a job is; AWS gives it a role for an hour. No key is stored anywhere.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.own_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

# Pull requests: looks at everything, reads no data.
resource "aws_iam_role" "plan" {
  name                 = "${var.name}-plan"
  description          = "Pull requests of ${var.repository} plan with it"
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.boundary.arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PullRequests"
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = local.plan_subjects
        }
      }
    }]
  })
}

# AWS keeps this list of reading actions up to date for every service.
resource "aws_iam_role_policy_attachment" "plan" {
  role       = aws_iam_role.plan.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  name = "plan"
  role = aws_iam_role.plan.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.state_statements, [
      {
        # Generated values are ephemeral: every plan asks for one and forgets it.
        Sid      = "EphemeralValues"
        Effect   = "Allow"
        Action   = "secretsmanager:GetRandomPassword"
        Resource = "*"
      },
      {
        # A plan needs to know what exists, not what is in it: whoever opens a pull request decides what it runs.
        Sid    = "NoData"
        Effect = "Deny"
        Action = [
          "athena:GetQueryResults",
          "dynamodb:BatchGetItem",
          "dynamodb:GetItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "ecr:GetDownloadUrlForLayer",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "logs:GetLogRecord",
          "logs:GetQueryResults",
          "logs:StartLiveTail",
          "logs:StartQuery",
          "rds-data:*",
          "rds:DownloadDBLogFilePortion",
          "secretsmanager:GetSecretValue",
          "sqs:ReceiveMessage",
          "ssm:GetParameter*",
        ]
        Resource = "*"
      },
      {
        Sid         = "NoObjects"
        Effect      = "Deny"
        Action      = ["s3:GetObject", "s3:GetObjectVersion"]
        NotResource = local.state_arn
      },
      {
        Sid         = "NoDecryption"
        Effect      = "Deny"
        Action      = "kms:Decrypt"
        NotResource = var.state_key_arn
      },
    ])
  })
}

# Jobs of the environment: makes and changes what the environment is made of.
resource "aws_iam_role" "apply" {
  name                 = "${var.name}-apply"
  description          = "Jobs of the environment ${var.environment} of ${var.repository} apply with it"
  max_session_duration = 3600
  permissions_boundary = aws_iam_policy.boundary.arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Environment"
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = local.apply_subjects
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "apply" {
  name = "apply"
  role = aws_iam_role.apply.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.state_statements, [
      { Sid = "WriteState", Effect = "Allow", Action = "s3:PutObject", Resource = local.state_arn },
      {
        Sid      = "LockState"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = local.lock_arn
      },
      { Sid = "EncryptState", Effect = "Allow", Action = "kms:GenerateDataKey", Resource = var.state_key_arn },
      {
        Sid       = "Services"
        Effect    = "Allow"
        Action    = local.services
        Resource  = "*"
        Condition = local.own_regions
      },
      {
        Sid      = "LookAtRoles"
        Effect   = "Allow"
        Action   = local.reading_roles
        Resource = local.readable
      },
      merge(
        {
          Sid      = "MakeRoles"
          Effect   = "Allow"
          Action   = local.making_roles
          Resource = local.roles
        },
        { for key, condition in { Condition = local.boundaries } : key => condition if var.require_boundary },
      ),
      {
        Sid      = "ChangeRoles"
        Effect   = "Allow"
        Action   = local.changing_roles
        Resource = [local.roles, "arn:aws:iam::${var.account_id}:instance-profile/${var.role_prefix}*"]
      },
      {
        Sid       = "GiveRolesToServices"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = local.roles
        Condition = { StringEquals = { "iam:PassedToService" = sort(var.passed_to) } }
      },
      {
        Sid      = "ServiceLinkedRoles"
        Effect   = "Allow"
        Action   = "iam:CreateServiceLinkedRole"
        Resource = "arn:aws:iam::${var.account_id}:role/aws-service-role/*"
      },
    ])
  })
}

# What neither role can do whatever else it is given: make a person, make a key that outlives the job, free itself.
resource "aws_iam_policy" "boundary" {
  name        = "${var.name}-boundary"
  description = "Limits the roles of the pipeline: no users, no long-lived keys, no way out"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Services"
        Effect    = "Allow"
        Action    = local.services
        Resource  = "*"
        Condition = local.own_regions
      },
      {
        Sid      = "Roles"
        Effect   = "Allow"
        Action   = concat(local.making_roles, local.changing_roles, ["iam:CreateServiceLinkedRole", "iam:PassRole"])
        Resource = local.own_identities
      },
      {
        Sid      = "LookAtRoles"
        Effect   = "Allow"
        Action   = local.reading_roles
        Resource = local.readable
      },
      {
        Sid      = "Look"
        Effect   = "Allow"
        Action   = ["sts:GetCallerIdentity", "tag:GetResources"]
        Resource = "*"
      },
      {
        Sid    = "NoUsersNoKeys"
        Effect = "Deny"
        Action = [
          "iam:*AccessKey*",
          "iam:*LoginProfile*",
          "iam:*MFADevice*",
          "iam:*SAMLProvider*",
          "iam:*SSHPublicKey*",
          "iam:*ServiceSpecificCredential*",
          "iam:*SigningCertificate*",
          "iam:AddUserToGroup",
          "iam:AttachGroupPolicy",
          "iam:AttachUserPolicy",
          "iam:CreateGroup",
          "iam:CreateUser",
          "iam:PutGroupPolicy",
          "iam:PutUserPolicy",
        ]
        Resource = "*"
      },
      {
        Sid    = "NoWayOut"
        Effect = "Deny"
        Action = [
          "iam:AttachRolePolicy",
          "iam:CreateRole",
          "iam:DeleteRole",
          "iam:DeleteRolePermissionsBoundary",
          "iam:DeleteRolePolicy",
          "iam:DetachRolePolicy",
          "iam:PassRole",
          "iam:PutRolePermissionsBoundary",
          "iam:PutRolePolicy",
          "iam:UpdateAssumeRolePolicy",
        ]
        Resource = local.own_roles
      },
      {
        Sid    = "NoNewLimits"
        Effect = "Deny"
        Action = [
          "iam:CreateOpenIDConnectProvider",
          "iam:CreatePolicyVersion",
          "iam:DeleteOpenIDConnectProvider",
          "iam:DeletePolicy",
          "iam:DeletePolicyVersion",
          "iam:SetDefaultPolicyVersion",
          "iam:UpdateAccountPasswordPolicy",
          "iam:UpdateOpenIDConnectProviderThumbprint",
          "kms:DisableKey",
          "kms:ScheduleKeyDeletion",
          "s3:DeleteBucket",
        ]
        Resource = [
          "arn:aws:iam::${var.account_id}:oidc-provider/*",
          "arn:aws:iam::${var.account_id}:policy/${var.name}-*",
          var.state_bucket_arn,
          var.state_key_arn,
        ]
      },
      {
        Sid      = "NoAdministrators"
        Effect   = "Deny"
        Action   = "iam:AttachRolePolicy"
        Resource = "*"
        Condition = {
          ArnEquals = {
            "iam:PolicyARN" = [
              "arn:aws:iam::aws:policy/AdministratorAccess",
              "arn:aws:iam::aws:policy/IAMFullAccess",
              "arn:aws:iam::aws:policy/PowerUserAccess",
            ]
          }
        }
      },
    ]
  })
}
